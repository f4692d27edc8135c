// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryHistory
import BelfryIO
import Foundation
import Logging

/// Publishes until it is killed, and says what it was told is stored.
struct Victim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The process that is killed.", shouldDisplay: false)
    @Option var file: String
    @Option var run: Int
    @Option var io: String
    @Option var synchronization: String

    func run() async throws {
        var logger = Logger(label: "victim") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        var setup = SQLiteHistory.Configuration()
        setup.synchronization = .init(rawValue: synchronization) ?? .full
        var configuration = BrokerConfiguration(io: IOChoice(io) ?? .automatic, loops: 2)
        configuration.store = SQLiteHistory(file, configuration: setup, logger: logger)
        let broker = try Broker(configuration: configuration, logger: logger)
        let run = self.run
        try await withThrowingTaskGroup { tasks in
            for publisher in 0..<CrashText.publishers {
                tasks.addTask { try await Self.publish(publisher, run, broker) }
            }
            // The index is written meanwhile, and the file is read.
            tasks.addTask { try await Self.read(broker) }
            try await tasks.waitForAll()
        }
    }

    private static func publish(_ publisher: Int, _ run: Int, _ broker: Broker) async throws {
        let room = try await broker.room("room \(CrashText.room(of: publisher))")
        for number in 0... {
            let text = CrashText(run: run, publisher: publisher, number: number)
            // One in so many is waited for, of every publisher another share.
            let isStored = Int.random(in: 0...publisher) == 0
            let position = try await room.publish(
                event: "p\(publisher)",
                .text(text.text),
                durability: isStored ? .stored : .ordered
            )
            guard isStored else { continue }
            // One write(2), of less than a pipe takes in one piece.
            let line = Acknowledgement(text: text, epoch: position.epoch, offset: position.offset).line
            FileHandle.standardOutput.write(Data(line.utf8))
        }
    }

    private static func read(_ broker: Broker) async throws {
        while true {
            let room = try await broker.room("room \(Int.random(in: 0..<CrashText.rooms))")
            _ = try await room.search("word3 word4", limit: 10)
            _ = try await room.page(.oldest, limit: 100)
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// A victim, as the one who kills it sees it.
final class VictimProcess {
    private let process = Process()
    private let output = Pipe()

    init(file: String, run: Int, mode: CrashMode) throws {
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [
            "victim", "--file", file, "--run", "\(run)", "--io", mode.io, "--synchronization", mode.synchronization,
        ]
        process.standardOutput = output
        try process.run()
    }

    /// Kills it so long after its first acknowledgement, or, with `early`, after its start.
    ///
    /// - Returns: All that it has acknowledged.
    func kill(after delay: Duration, early: Bool) -> [Acknowledgement] {
        var text = Data()
        var isArmed = false
        func arm() {
            guard !isArmed else { return }
            isArmed = true
            let id = process.processIdentifier
            DispatchQueue.global().asyncAfter(deadline: .now() + delay / .seconds(1)) { Foundation.kill(id, SIGKILL) }
        }
        if early { arm() }
        while true {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { break }
            text += more
            arm()
        }
        // One that ended by itself is not killed any more.
        process.waitUntilExit()
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.dropLast().compactMap { Acknowledgement($0) }
    }

    /// Whether it ended by being killed.
    var wasKilled: Bool { process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGKILL }
}
