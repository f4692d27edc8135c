// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CLoad
import Glibc
import LoadReport

/// Which server, and how to print.
struct TargetOptions: ParsableArguments {
    @Option(
        help: """
            Wire to speak: nucosmq, missioncommander, nats, resp, mqtt, pocketsocket, websocket, websocket-echo, http or \
            watchbox.
            """
    )
    var wire: String
    @Option(help: "Numeric IPv4 address.") var host = "127.0.0.1"
    @Option(help: "TCP port.") var port: UInt16
    @Option(help: "Process of the server; without it nothing is known of its CPU and memory.") var pid: Int?
    @Option(help: "What to call the server in the report.") var label: String?
    @Flag(help: "Print the figures for people as well.") var human = false

    /// The server's process, if it was named.
    var server: ServerProcess? { pid.map { ServerProcess(id: $0) } }
}

/// How long, and with what.
struct RunOptions: ParsableArguments {
    @Option(help: "Seconds before measuring.") var warmup = 0.5
    @Option(help: "Seconds measured.") var seconds = 2.0
    @Option(help: "Seconds of the pass that counts kernel entries; 0 for none.") var entries = 0.5
    @Option(help: "Bytes of a payload, at least 16.") var payload = 128
    @Flag(help: "Poll instead of sleeping, so that the server never pays for waking the load generator.")
    var spin = false
    @Option(
        help: "Open loop: messages per second of each publisher; latency counts from when each was due. No window then."
    )
    var rate: Double?

    /// In the open loop: messages that may be outstanding before the server counts as too slow, in 64 MiB at the most.
    func window(_ closed: Int) -> Int { rate == nil ? closed : max(64, min(16_384, (64 << 20) / (payload + 256))) }

    func validate() throws {
        guard (16...1_048_576).contains(payload) else {
            throw ValidationError("the payload must be 16...1048576 bytes")
        }
        guard (0.1...1_000_000).contains(rate ?? 1) else { throw ValidationError("the rate must be 0.1...1000000") }
        guard (0...600).contains(warmup), (0.01...600).contains(seconds), (0...600).contains(entries) else {
            throw ValidationError("durations must be 0...600 s")
        }
    }

    /// Opens the connections, measures and prints.
    func measure(_ shape: Shape, target: TargetOptions, workload: String, connections: Int) throws {
        _ = cload_raise_descriptor_limit()
        let wire = try Wires.named(target.wire)
        var report = RunReport(
            label: target.label ?? wire.name,
            wire: wire.name,
            workload: workload,
            connections: connections,
            window: shape.window
        )
        report.payloadBytes = payload
        report.rate = rate
        let engine = try shape.open(host: target.host, port: target.port, wire: wire)
        let measurement = Measurement(
            warmUp: warmup,
            seconds: seconds,
            entrySeconds: entries,
            server: target.server
        )
        try measurement.run(engine, into: &report)
        try Output.write(report, human: target.human)
    }
}
