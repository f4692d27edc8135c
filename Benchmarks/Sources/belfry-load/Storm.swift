// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LoadReport

/// Everybody comes at once.
struct Storm: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "N connections at once: until the server has let every one in.",
        discussion: "A delivery in the report is a connection."
    )
    @OptionGroup var target: TargetOptions
    @OptionGroup var crowd: StormOptions

    mutating func run() throws { try crowd.run(target, workload: "storm") { $0.arrivals } }
}

/// Everybody goes at once.
struct Disconnect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "N connections hang up at once, without a farewell: until the server has closed every one.",
        discussion: "A delivery in the report is a connection."
    )
    @OptionGroup var target: TargetOptions
    @OptionGroup var crowd: StormOptions

    mutating func run() throws { try crowd.run(target, workload: "disconnect") { $0.departures } }
}

/// How many come and go, and how often.
struct StormOptions: ParsableArguments {
    @Option(help: "Connections.") var sessions = 1_000
    @Option(help: "How often; the figures are of all rounds together.") var rounds = 3

    func validate() throws {
        guard (1...15_000).contains(sessions), (1...100).contains(rounds) else {
            throw ValidationError("sessions must be 1...15000, rounds 1...100")
        }
    }

    fileprivate func run(
        _ target: TargetOptions,
        workload: String,
        _ part: (StormMeasurement) -> StormMeasurement.Part
    ) throws {
        let wire = try Wires.named(target.wire)
        var report = RunReport(
            label: target.label ?? wire.name,
            wire: wire.name,
            workload: workload,
            connections: sessions,
            window: 0
        )
        var measurement = StormMeasurement(sessions: sessions, server: target.server)
        for _ in 0..<rounds { try measurement.round(host: target.host, port: target.port, wire: wire) }
        part(measurement).fill(&report)
        report.peakResidentBytes = target.server?.peakResidentBytes().map(Double.init)
        try Output.write(report, human: target.human)
    }
}
