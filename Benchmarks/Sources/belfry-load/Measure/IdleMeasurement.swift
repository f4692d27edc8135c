// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Glibc
import LoadReport

/// Opens sessions that do nothing and looks at what they cost the server in memory.
///
/// Sockets' memory in the kernel is not part of it.
struct IdleMeasurement {
    var sessions: Int
    /// Whether each session joins a room, one for all.
    var joined: Bool
    /// Sessions that are on their way at a time.
    var together: Int
    var server: ServerProcess

    /// Sessions opened before the first look, so that what a server sets up once is not counted.
    private static let firstSessions = 50
    /// Milliseconds without a word after which a server has told everybody of everybody.
    private static let quiet: CInt = 200

    /// Fills the figures in.
    func run(host: String, port: UInt16, wire: any Wire, into report: inout RunReport) throws {
        guard cload_raise_descriptor_limit() > sessions + Self.firstSessions + 64 else {
            throw LoadError("\(sessions) sessions are more than the limit of open descriptors allows")
        }
        let crowd = try Crowd(host: host, port: port, wire: wire, room: joined ? "r00000" : nil)
        try crowd.grow(by: Self.firstSessions, together: together)
        try crowd.listen(patience: 100)
        let before = try settled()
        let start = (time: cload_now(), own: cload_thread_cpu(), server: try server.schedule())
        try crowd.grow(by: sessions, together: together)
        try crowd.listen(patience: Self.quiet)
        let elapsed = Double(cload_now() - start.time - Int64(Self.quiet) * 1_000_000)
        let serverCPU = Double(try server.schedule().cpu - start.server.cpu)
        report.loadShare = Double(cload_thread_cpu() - start.own) / elapsed
        let after = try settled()
        try crowd.listen(patience: 0)
        report.bytesPerSession = Double(after - before) / Double(sessions)
        report.seconds = elapsed / 1e9
        report.deliveries = sessions
        report.deliveriesPerSecond = Double(sessions) / elapsed * 1e9
        report.serverMicroseconds = serverCPU / 1_000 / Double(sessions)
        report.serverShare = serverCPU / elapsed
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
