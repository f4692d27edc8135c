// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import LoadReport

/// Opens sessions that do nothing and looks at what they cost the server in memory.
///
/// Sockets' memory in the kernel is not part of it.
struct IdleMeasurement {
    var sessions: Int
    /// Whether each session joins a room, one for all.
    var joined: Bool
    var server: ServerProcess

    /// Sessions opened before the first look, so that what a server sets up once is not counted.
    private static let firstSessions = 50

    /// Fills the figures in.
    func run(host: String, port: UInt16, wire: any Wire, into report: inout RunReport) throws {
        guard cload_raise_descriptor_limit() > sessions + Self.firstSessions + 64 else {
            throw LoadError("\(sessions) sessions are more than the limit of open descriptors allows")
        }
        let room = joined ? "r00000" : nil
        var open: [BlockingConnection] = []
        for _ in 0..<Self.firstSessions {
            open.append(try BlockingConnection(host: host, port: port, wire: wire, room: room))
        }
        let before = try settled()
        let start = (time: cload_now(), own: cload_thread_cpu())
        for _ in 0..<sessions {
            open.append(try BlockingConnection(host: host, port: port, wire: wire, room: room))
        }
        let end = (time: cload_now(), own: cload_thread_cpu())
        let after = try settled()
        report.bytesPerSession = Double(after - before) / Double(sessions)
        report.seconds = Double(end.time - start.time) / 1e9
        report.loadShare = Double(end.own - start.own) / Double(max(1, end.time - start.time))
        for connection in open { close(connection.descriptor) }
    }

    /// The resident memory once it has been the same for 0.3 s, or after 3 s.
    private func settled() throws -> Int {
        var last = try server.residentBytes()
        var calm = 0
        for _ in 0..<30 where calm < 3 {
            usleep(100_000)
            let now = try server.residentBytes()
            calm = now == last ? calm + 1 : 0
            last = now
        }
        return last
    }
}
