// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Glibc
import LoadReport

/// Measures the same fan-out without slow subscribers, with them, and without them again.
///
/// What a server does with somebody who does not read (keep all of it, drop messages, close the connection) is its own
/// affair; nobody else may lose anything.
struct SlowMeasurement {
    var measurement: Measurement
    /// Subscribers that never read.
    var slow: Int

    /// Fills the figures in.
    func run(_ engine: LoadEngine, host: String, port: UInt16, wire: any Wire, into report: inout RunReport) throws {
        var before = report
        try measurement.measure(engine, into: &before)

        // Joining takes round trips, during which nothing is published.
        try engine.drain()
        var stuck: [CInt] = []
        defer { for descriptor in stuck { close(descriptor) } }
        for _ in 0..<slow {
            let connection = try BlockingConnection(host: host, port: port, wire: wire, room: "r00000")
            stuck.append(connection.descriptor)
            guard cload_shrink_receive_buffer(connection.descriptor) == 0 else { throw LoadError.system("SO_RCVBUF") }
        }
        try measurement.measure(engine, into: &report)
        report.peakResidentBytes = measurement.server?.peakResidentBytes().map(Double.init)

        for descriptor in stuck { close(descriptor) }
        stuck.removeAll()
        var after = report
        try measurement.measure(engine, into: &after)
        try engine.finish()
        let alone = (before.deliveriesPerSecond + after.deliveriesPerSecond) / 2
        report.deliveriesPerSecondAlone = alone
        report.slowCostPercent = (1 - report.deliveriesPerSecond / alone) * 100
    }
}
