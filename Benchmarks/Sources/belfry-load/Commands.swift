// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CLoad
import Glibc
import LoadReport

/// `belfry-load`: loads a server and prints one line of JSON.
@main
struct BelfryLoad: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "belfry-load",
        abstract: "Loads a message server from one thread and measures what a delivery costs it.",
        subcommands: [
            Fanout.self, Pair.self, Pairs.self, Echo.self, Slow.self, Connect.self, Storm.self, Disconnect.self,
            Idle.self, SelfCheck.self,
        ]
    )
}

/// One publisher, many subscribers.
struct Fanout: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "One publisher, N subscribers, W messages outstanding.")
    @OptionGroup var target: TargetOptions
    @OptionGroup var options: RunOptions
    @Option(help: "Subscribers.") var subscribers = 100
    @Option(help: "Messages outstanding: not yet with every subscriber.") var window = 64
    @Flag(help: "nucosMQ: do not join the publisher to the room (the server must let it publish all the same).")
    var publisherOutside = false

    func validate() throws {
        guard (1...15_000).contains(subscribers), (1...65_536).contains(window) else {
            throw ValidationError("subscribers must be 1...15000, the window 1...65536")
        }
    }

    mutating func run() throws {
        let shape = Shape(
            groups: 1,
            subscribers: subscribers,
            window: options.window(window),
            publishesToItself: false,
            publisherJoins: !publisherOutside,
            payload: options.payload,
            spins: options.spin,
            rate: options.rate
        )
        try options.measure(shape, target: target, workload: "fanout", connections: subscribers)
    }
}

/// One publisher, one subscriber.
struct Pair: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "One publisher, one subscriber, W messages outstanding.")
    @OptionGroup var target: TargetOptions
    @OptionGroup var options: RunOptions
    @Option(help: "Messages outstanding.") var window = 1_024

    func validate() throws {
        guard (1...65_536).contains(window) else { throw ValidationError("the window must be 1...65536") }
    }

    mutating func run() throws {
        let shape = Shape(
            groups: 1,
            subscribers: 1,
            window: options.window(window),
            publishesToItself: false,
            payload: options.payload,
            spins: options.spin,
            rate: options.rate
        )
        try options.measure(shape, target: target, workload: "pair", connections: 1)
    }
}

/// Requests that come back.
struct Echo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "C connections, each publishing to a room of its own and waiting until it comes back.",
        discussion: "With RESP each is a pair of connections, as a subscriber may not publish."
    )
    @OptionGroup var target: TargetOptions
    @OptionGroup var options: RunOptions
    @Option(help: "Connections (or pairs).") var connections = 50

    func validate() throws {
        guard (1...5_000).contains(connections) else { throw ValidationError("connections must be 1...5000") }
    }

    mutating func run() throws {
        let shape = Shape(
            groups: connections,
            subscribers: 1,
            window: options.window(1),
            publishesToItself: true,
            payload: options.payload,
            spins: options.spin,
            rate: options.rate
        )
        try options.measure(shape, target: target, workload: "echo", connections: connections)
    }
}

/// Connections that come and go.
struct Connect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Connect until the server has let the client in, close, and again.",
        discussion: "A delivery in the report is a connection."
    )
    @OptionGroup var target: TargetOptions
    @Option(help: "Seconds before measuring.") var warmup = 0.5
    @Option(help: "Seconds measured.") var seconds = 2.0
    @Option(help: "Connections under way at a time.") var concurrency = 8

    func validate() throws {
        guard (1...1_000).contains(concurrency) else { throw ValidationError("concurrency must be 1...1000") }
        guard (0...600).contains(warmup), (0.01...600).contains(seconds) else {
            throw ValidationError("durations must be 0...600 s")
        }
    }

    mutating func run() throws {
        _ = cload_raise_descriptor_limit()
        let wire = try Wires.named(target.wire)
        var report = RunReport(
            label: target.label ?? wire.name,
            wire: wire.name,
            workload: "connect",
            connections: concurrency,
            window: 1
        )
        let measurement = ConnectMeasurement(
            warmUp: warmup,
            seconds: seconds,
            concurrency: concurrency,
            server: target.server
        )
        try measurement.run(host: target.host, port: target.port, wire: wire, into: &report)
        try Output.write(report, human: target.human)
    }
}

/// Sessions that do nothing.
struct Idle: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "N idle sessions: what each costs in resident memory.")
    @OptionGroup var target: TargetOptions
    @Option(help: "Sessions.") var sessions = 5_000
    @Flag(help: "Each session joins one common room.") var joined = false
    @Option(help: "Sessions on their way at a time.") var together = 1

    func validate() throws {
        guard (1...19_000).contains(sessions) else { throw ValidationError("sessions must be 1...19000") }
        guard (1...2_000).contains(together) else { throw ValidationError("together must be 1...2000") }
        guard target.pid != nil else { throw ValidationError("idle needs --pid") }
    }

    mutating func run() throws {
        guard let server = target.server else { return }
        let wire = try Wires.named(target.wire)
        var report = RunReport(
            label: target.label ?? wire.name,
            wire: wire.name,
            workload: "idle",
            connections: sessions,
            window: 0
        )
        let measurement = IdleMeasurement(sessions: sessions, joined: joined, together: together, server: server)
        try measurement.run(host: target.host, port: target.port, wire: wire, into: &report)
        try Output.write(report, human: target.human)
    }
}
