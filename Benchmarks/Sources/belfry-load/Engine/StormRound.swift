// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Glibc

/// The connections of one storm.
final class StormRound {
    private struct Session {
        var connection: BlockingConnection
        /// What tells that it is in; nil if ``WireItem/ready`` does.
        let answer: [UInt8]?
        /// When it began to come, or to go.
        var began: Int64
        var isIn = false
        var isGone = false
    }

    private let host: String
    private let port: UInt16
    private let wire: any Wire
    private let sessions: Int
    private var open: [Session] = []
    /// Sessions that are not in yet, or not gone yet.
    private var missing = 0
    private let epoll: CInt
    private var events = [epoll_event](repeating: epoll_event(), count: 1_024)

    init(host: String, port: UInt16, wire: any Wire, sessions: Int) throws {
        self.host = host
        self.port = port
        self.wire = wire
        self.sessions = sessions
        epoll = cload_epoll()
        guard epoll >= 0 else { throw LoadError.system("epoll_create1") }
    }

    /// Closes everything.
    func close() {
        for session in open { Glibc.close(session.connection.descriptor) }
        Glibc.close(epoll)
        open = []
    }

    /// Connects everybody and waits until the server has let all in.
    func comeIn(_ latency: inout Latency, until end: Int64) throws {
        for number in 0..<sessions {
            let (bytes, answer) = wire.introduction(number)
            let began = cload_now()
            let connection = try BlockingConnection(host: host, port: port, wire: wire, saying: bytes)
            guard cload_watch(epoll, connection.descriptor, UInt32(number)) == 0 else {
                throw LoadError.system("epoll_ctl")
            }
            open.append(Session(connection: connection, answer: answer, began: began))
            missing += 1
            if number % 16 == 15 { try turn(&latency, patience: 0) }
        }
        while missing > 0 {
            guard cload_now() < end else { throw LoadError("\(missing) of \(sessions) connections were not let in") }
            try turn(&latency, patience: 10)
        }
    }

    /// Reads until nothing has come for a while.
    func rest() throws {
        var unused = Latency()
        while try turn(&unused, patience: 50) > 0 {}
    }

    /// Ends every stream and waits until the server has ended the other way, too.
    func hangUp(_ latency: inout Latency, until end: Int64) throws {
        missing = open.filter { !$0.isGone }.count
        guard missing == sessions else {
            throw LoadError("the server closed \(sessions - missing) connections by itself")
        }
        for index in open.indices {
            open[index].began = cload_now()
            shutdown(open[index].connection.descriptor, CInt(SHUT_WR))
            if index % 16 == 15 { try turn(&latency, patience: 0) }
        }
        while missing > 0 {
            guard cload_now() < end else { throw LoadError("\(missing) of \(sessions) connections were not closed") }
            try turn(&latency, patience: 10)
        }
    }

    @discardableResult
    private func turn(_ latency: inout Latency, patience: CInt) throws -> Int {
        let count = epoll_wait(epoll, &events, CInt(events.count), patience)
        if count < 0, errno != EINTR { throw LoadError.system("epoll_wait") }
        for event in events.prefix(Int(max(0, count))) {
            let index = Int(event.data.u32)
            if !open[index].isIn {
                guard try open[index].connection.isIn(answer: open[index].answer) else { continue }
                open[index].isIn = true
                missing -= 1
                latency.record(cload_now() - open[index].began, frames: 1)
            }
            if try hasEnded(open[index].connection.descriptor), !open[index].isGone {
                open[index].isGone = true
                missing -= 1
                latency.record(cload_now() - open[index].began, frames: 1)
            }
        }
        return Int(max(0, count))
    }

    /// Throws away what is there; whether the stream ends there.
    private func hasEnded(_ descriptor: CInt) throws -> Bool {
        while true {
            let count = cload_discard(descriptor, 4 << 20)
            if count > 0 { continue }
            if count == 0 || errno == ECONNRESET { return true }
            if errno == EAGAIN { return false }
            guard errno == EINTR else { throw LoadError.system("receiving") }
        }
    }
}
