// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CLoad
import Glibc
import LoadReport

/// A room in which some do not read.
struct Slow: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fan-out without, with and again without K subscribers that never read: what they cost the others.",
        discussion: "The figures are those of the time with them; the figure without is the mean of before and after."
    )
    @OptionGroup var target: TargetOptions
    @OptionGroup var options: RunOptions
    @Option(help: "Subscribers that read.") var subscribers = 100
    @Option(help: "Subscribers that do not.") var slow = 1
    @Option(help: "Messages outstanding: not yet with every subscriber that reads.") var window = 64

    func validate() throws {
        guard (1...15_000).contains(subscribers), (1...1_000).contains(slow), (1...65_536).contains(window) else {
            throw ValidationError("subscribers must be 1...15000, slow ones 1...1000, the window 1...65536")
        }
    }

    mutating func run() throws {
        _ = cload_raise_descriptor_limit()
        let wire = try Wires.named(target.wire)
        guard !wire.announces else { throw LoadError("\(wire.name) announces newcomers in the middle of a run") }
        guard !wire.acknowledges || "\(subscribers)".count == "\(subscribers + slow)".count else {
            throw LoadError("\(wire.name) counts receivers: with the slow ones it takes another digit")
        }
        let shape = Shape(
            groups: 1,
            subscribers: subscribers,
            window: options.window(window),
            publishesToItself: false,
            payload: options.payload,
            spins: options.spin,
            rate: options.rate,
            mayGrow: true
        )
        var report = RunReport(
            label: target.label ?? wire.name,
            wire: wire.name,
            workload: "slow",
            connections: subscribers,
            window: shape.window
        )
        report.payloadBytes = options.payload
        report.rate = options.rate
        let engine = try shape.open(host: target.host, port: target.port, wire: wire)
        let measurement = SlowMeasurement(
            measurement: Measurement(
                warmUp: options.warmup,
                seconds: options.seconds,
                entrySeconds: 0,
                server: target.server
            ),
            slow: slow
        )
        try measurement.run(engine, host: target.host, port: target.port, wire: wire, into: &report)
        try Output.write(report, human: target.human)
    }
}
