// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BelfryHistory
import BelfryIO
import Foundation

/// `history-crash`: kills a broker with a history file under load, again and again, and looks whether anything that was
/// acknowledged as stored is missing.
@main
struct HistoryCrash: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history-crash",
        abstract: "Kills a broker with a history under load, and checks what it acknowledged as stored.",
        subcommands: [Campaign.self, Victim.self],
        defaultSubcommand: Campaign.self
    )
}

/// All the kills.
struct Campaign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Kills and checks; one line for each file.")
    @Option(help: "Kills in all.") var kills = 100
    @Option(help: "Kills of one file, one after the other.") var perFile = 10
    @Option(help: "Milliseconds from the first acknowledgement to the kill, at most.") var delay = 300
    @Option(help: "Where the files go; each goes when it has been found in order.") var folder = "/tmp"
    @Option(help: "The first file's number: it decides on the engine and how commits wait for the disk.") var first = 0

    func validate() throws {
        guard (1...100_000).contains(kills), (1...16).contains(perFile), (0...60_000).contains(delay) else {
            throw ValidationError("kills must be 1...100000, 1...16 of a file, the delay 0...60000")
        }
    }

    func run() async throws {
        var (done, number, total) = (0, first, CrashTally())
        while done < kills {
            let count = min(perFile, kills - done)
            // Both engines and both ways of committing take their turns.
            let mode = CrashMode(
                io: number.isMultiple(of: 2) ? "epoll" : "uring",
                synchronization: number / 2 % 2 == 0 ? "FULL" : "NORMAL"
            )
            let file = try CrashFile(folder: folder, number: number, mode: mode, longestDelay: delay)
            var tally = CrashTally()
            for run in 0..<count { tally += try await file.crash(run) }
            print("file \(number) \(mode.io) \(mode.synchronization): \(tally)")
            for violation in tally.violations { print("  VIOLATION: \(violation)") }
            if tally.violations.isEmpty { file.remove() } else { print("  left at \(file.directory.path)") }
            total += tally
            done += count
            number += 1
        }
        print("all: \(total)")
        if !total.violations.isEmpty { throw ExitCode.failure }
    }
}

/// How a victim runs.
struct CrashMode {
    let io: String
    let synchronization: String
}

/// What was counted.
struct CrashTally: CustomStringConvertible {
    var kills = 0
    /// Kills before anything was acknowledged.
    var early = 0
    /// Acknowledged as stored.
    var acknowledged = 0
    /// Found in the file, of these runs.
    var found = 0
    /// Positions resumed from.
    var resumed = 0
    var violations: [String] = []

    static func += (left: inout CrashTally, right: CrashTally) {
        left.kills += right.kills
        left.early += right.early
        left.acknowledged += right.acknowledged
        left.found += right.found
        left.resumed += right.resumed
        left.violations += right.violations
    }

    var description: String {
        "\(kills) kills (\(early) before the first acknowledgement), \(acknowledged) acknowledged as stored, "
            + "\(found) messages found, \(resumed) positions resumed, \(violations.count) violations"
    }
}
