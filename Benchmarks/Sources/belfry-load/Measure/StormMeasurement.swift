// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Glibc
import LoadReport

/// Has a crowd come at once and go at once, and looks at what each costs the server.
///
/// Going is the client's end of the stream (`shutdown`), so that the server's closing can be seen, as its end.
struct StormMeasurement {
    /// What coming, or going, took in all rounds.
    struct Part {
        var elapsed: Int64 = 0
        var connections = 0
        var own = ServerProcess.Schedule()
        var server: ServerProcess.Schedule?
        var latency = Latency()

        /// Fills the figures in; a delivery is a connection.
        func fill(_ report: inout RunReport) {
            let time = Double(max(1, elapsed))
            report.seconds = time / 1e9
            report.deliveries = connections
            report.deliveriesPerSecond = Double(connections) / time * 1e9
            report.loadShare = Double(own.cpu) / time
            report.loadWaitShare = Double(own.wait) / time
            report.p50 = latency.microseconds(50)
            report.p99 = latency.microseconds(99)
            report.p999 = latency.microseconds(99.9)
            guard let server, connections > 0 else { return }
            report.serverMicroseconds = Double(server.cpu) / 1_000 / Double(connections)
            report.serverShare = Double(server.cpu) / time
            report.serverWaitShare = Double(server.wait) / time
        }
    }

    let sessions: Int
    let server: ServerProcess?
    private(set) var arrivals = Part()
    private(set) var departures = Part()

    /// Nanoseconds after which a server has failed to let everybody in, or to close every connection.
    private static let patience: Int64 = 20_000_000_000

    init(sessions: Int, server: ServerProcess?) {
        self.sessions = sessions
        self.server = server
    }

    /// Everybody comes, and when all are in, goes.
    mutating func round(host: String, port: UInt16, wire: any Wire) throws {
        guard cload_raise_descriptor_limit() > sessions + 64 else {
            throw LoadError("\(sessions) connections are more than the limit of open descriptors allows")
        }
        let round = try StormRound(host: host, port: port, wire: wire, sessions: sessions)
        defer { round.close() }
        try Self.measure(&arrivals, sessions, server) { part in
            try round.comeIn(&part.latency, until: cload_now() + Self.patience)
        }
        // What everybody is told of everybody is no part of going.
        try round.rest()
        try Self.measure(&departures, sessions, server) { part in
            try round.hangUp(&part.latency, until: cload_now() + Self.patience)
        }
    }

    private static func measure(
        _ part: inout Part,
        _ count: Int,
        _ process: ServerProcess?,
        _ body: (inout Part) throws -> Void
    ) throws {
        let before = (time: cload_now(), own: try ServerProcess.own.schedule(), server: try process?.schedule())
        try body(&part)
        let after = (time: cload_now(), own: try ServerProcess.own.schedule(), server: try process?.schedule())
        part.elapsed += after.time - before.time
        part.connections += count
        part.own.cpu += after.own.cpu - before.own.cpu
        part.own.wait += after.own.wait - before.own.wait
        guard let first = before.server, let last = after.server else { return }
        var sum = part.server ?? .init()
        sum.cpu += last.cpu - first.cpu
        sum.wait += last.wait - first.wait
        part.server = sum
    }
}
