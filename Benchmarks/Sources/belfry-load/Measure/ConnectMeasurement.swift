// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Glibc
import LoadReport

/// Connects again and again, until the server lets the client in each time, and looks at what that costs the server.
///
/// A few connections are under way at a time, so that the server need not wait for the load generator.
struct ConnectMeasurement {
    var warmUp: Double
    var seconds: Double
    var concurrency: Int
    var server: ServerProcess?

    /// Fills the figures in; a delivery is a connection.
    func run(host: String, port: UInt16, wire: any Wire, into report: inout RunReport) throws {
        var number = 0
        var open: [(connection: BlockingConnection, answer: [UInt8]?)] = []
        func start() throws {
            let (bytes, answer) = wire.introduction(number)
            number += 1
            open.append((try BlockingConnection(host: host, port: port, wire: wire, saying: bytes), answer))
        }
        func turn(until end: Int64) throws -> Int {
            var count = 0
            while cload_now() < end {
                var (connection, answer) = open.removeFirst()
                try connection.waitUntilIn(answer: answer)
                // Unread bytes would make a reset of the end.
                if wire.announces { try connection.takeInterludes() }
                try connection.send(wire.farewell)
                close(connection.descriptor)
                count += 1
                try start()
            }
            return count
        }
        for _ in 0..<concurrency { try start() }
        _ = try turn(until: cload_now() + Int64(warmUp * 1e9))
        let before = (time: cload_now(), own: try ServerProcess.own.schedule(), server: try server?.schedule())
        let count = try turn(until: before.time + Int64(seconds * 1e9))
        let after = (time: cload_now(), own: try ServerProcess.own.schedule(), server: try server?.schedule())
        for (connection, _) in open { close(connection.descriptor) }

        let elapsed = Double(after.time - before.time)
        report.seconds = elapsed / 1e9
        report.deliveries = count
        report.deliveriesPerSecond = Double(count) / elapsed * 1e9
        report.loadShare = Double(after.own.cpu - before.own.cpu) / elapsed
        report.loadWaitShare = Double(after.own.wait - before.own.wait) / elapsed
        guard let first = before.server, let last = after.server, count > 0 else { return }
        report.serverMicroseconds = Double(last.cpu - first.cpu) / 1_000 / Double(count)
        report.serverShare = Double(last.cpu - first.cpu) / elapsed
        report.serverWaitShare = Double(last.wait - first.wait) / elapsed
    }
}
