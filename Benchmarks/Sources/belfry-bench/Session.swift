// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import Foundation
import LoadReport

/// Makes the runs: every row on every server once, then again until each was measured twice with the cores near each
/// other (see `CoreDistance`), those first that did not agree, and then until all were measured often enough or the time
/// is up.
struct Session {
    let rows: [Row]
    let contenders: [Contender]
    let runner: Runner
    /// Whether a row is measured on a server.
    let takes: (Contender, Row) -> Bool
    /// Runs that are wanted of each.
    let repetitions: Int
    /// Whether kernel entries are counted in every run, not in the first alone.
    let countsEntries: Bool
    /// No run begins later, but each is made once.
    let deadline: Date
    /// Seconds to wait, all in all, for the host of a virtual machine to bring its cores together.
    var patience: Double
    var results = Results()

    /// Makes them all.
    ///
    /// - Parameter ran: Called after each run, so that a comparison that is broken off leaves what it found.
    mutating func run(_ ran: (Results) throws -> Void) throws {
        var progress = Progress(total: pairs(turned: 0).count * repetitions)
        defer { progress.end() }
        for (pass, wish) in wishes.enumerated() {
            for (row, contender) in pairs(turned: pass) where isWanting(row, contender, wish) {
                if pass > 0 { awaitNearCores(&progress) }
                guard pass == 0 || Date() < deadline else {
                    let few = pairs(turned: 0).count { isWanting($0.row, $0.contender, .runs(repetitions)) }
                    return progress.say("The time is up: \(few) have fewer than \(repetitions) repetitions.")
                }
                progress.expect(max(1, remaining))
                progress.start("\(row.title) on \(contender.name)")
                progress.finish("\(row.name) \(contender.name): " + measure(row, contender))
                try ran(results)
            }
        }
    }

    private mutating func measure(_ row: Row, _ contender: Contender) -> String {
        do {
            let isFirst = results[row, contender].runs.isEmpty
            let report = try runner.run(row, on: contender, countsEntries: countsEntries || isFirst)
            results.add(report, row, contender)
            let apart = results.distance.isNear(report.coreRoundTrip) ? "" : ", cores apart"
            return summary(report) + apart
        } catch {
            results.add(error: "\(error)", row, contender)
            return "FAILED: \(error)"
        }
    }

    /// Rows by servers: another server comes first in each pass.
    private func pairs(turned pass: Int) -> [(row: Row, contender: Contender)] {
        let first = pass % contenders.count
        let turns = contenders[first...] + contenders[..<first]
        return rows.flatMap { row in turns.filter { takes($0, row) }.map { (row, $0) } }
    }

    /// What a pass is for.
    private enum Wish {
        /// A number of runs with the cores near.
        case runs(Int)
        /// Another run where those so far are more than a tenth apart.
        case agreement
    }

    /// What is wanted, the first thing first; more often than once, as the host may move the cores during a run.
    private var wishes: [Wish] {
        let first: [Wish] = [.runs(1), .runs(1), .runs(2), .runs(2)].filter { _ in repetitions > 1 }
        let rest = Array(repeating: Wish.runs(repetitions), count: 2)
        return repetitions > 2 ? first + [.agreement, .agreement] + rest + [.agreement] : first + rest
    }

    /// Whether a row on a server needs another run.
    private func isWanting(_ row: Row, _ contender: Contender, _ wish: Wish) -> Bool {
        let cell = results[row, contender]
        // What fails, or never finds the cores together, comes to an end.
        guard cell.runs.count + cell.errors.count <= 2 * repetitions else { return false }
        switch wish {
        case .runs(let goal):
            let runs = patience > 0 ? cell.nearCount(results.distance) : cell.runs.count
            return runs + cell.errors.count < goal
        case .agreement:
            return (cell.spread(\.serverMicroseconds) ?? 0) > 0.1
        }
    }

    private var remaining: Int {
        pairs(turned: 0).map { row, contender in
            let cell = results[row, contender]
            return max(0, repetitions - cell.nearCount(results.distance) - cell.errors.count)
        }.reduce(0, +)
    }

    private mutating func awaitNearCores(_ progress: inout Progress) {
        while patience > 0, Date() < deadline, !results.distance.isNear(runner.coreRoundTrip()) {
            progress.start("waiting until the machine's host brings the cores together")
            usleep(200_000)
            patience -= 0.2
        }
    }

    private func summary(_ report: RunReport) -> String {
        if let cost = report.slowCostPercent {
            return "\(Format.fixed(cost, 1)) % slower than without, \(Format.number(report.deliveriesPerSecond))/s"
        }
        if let bytes = report.bytesPerSession { return "\(Format.fixed(bytes, 0)) bytes per session" }
        return "\(Format.number(report.serverMicroseconds)) µs, \(Format.number(report.deliveriesPerSecond))/s"
    }
}
