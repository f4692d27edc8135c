// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Glibc

/// Sessions that only listen: what they are told, as of others that come, is thrown away.
final class Crowd {
    /// Bytes thrown away so far.
    private(set) var discarded = 0
    private let host: String
    private let port: UInt16
    private let wire: any Wire
    private let room: String?
    private var open: [BlockingConnection] = []
    private let epoll: CInt
    private let events: UnsafeMutableBufferPointer<epoll_event>
    private var spoke = cload_now()

    /// Nanoseconds after which every session gives a sign of life, so that no server misses one.
    private static let silence: Int64 = 15_000_000_000

    init(host: String, port: UInt16, wire: any Wire, room: String?) throws {
        self.host = host
        self.port = port
        self.wire = wire
        self.room = room
        epoll = cload_epoll()
        guard epoll >= 0 else { throw LoadError.system("epoll_create1") }
        events = .allocate(capacity: 1_024)
        events.initialize(repeating: epoll_event())
    }

    deinit {
        for connection in open { close(connection.descriptor) }
        close(epoll)
        events.deallocate()
    }

    /// Adds sessions, `together` at a time; returns when the server has let them all in.
    func grow(by count: Int, together: Int) throws {
        var left = count
        while left > 0 {
            let first = open.count
            for _ in 0..<min(left, together) {
                open.append(
                    try BlockingConnection(host: host, port: port, wire: wire, saying: wire.opening(room: room))
                )
            }
            for index in first..<open.count {
                if !wire.opensSilently { try open[index].waitUntilIn(answer: nil) }
                guard cload_watch(epoll, open[index].descriptor, UInt32(index)) == 0 else {
                    throw LoadError.system("epoll_ctl")
                }
            }
            left -= open.count - first
            try listen(patience: 0)
            try giveSignsOfLife()
        }
    }

    /// Throws away what has come, until nothing has for so many milliseconds.
    func listen(patience: CInt) throws {
        while true {
            let count = epoll_wait(epoll, events.baseAddress, CInt(events.count), patience)
            if count < 0, errno != EINTR { throw LoadError.system("epoll_wait") }
            if count == 0 { return }
            for index in 0..<Int(max(0, count)) { try discard(open[Int(events[index].data.u32)].descriptor) }
        }
    }

    private func discard(_ descriptor: CInt) throws {
        let limit = 4 << 20
        while true {
            let count = cload_discard(descriptor, limit)
            if count < 0 {
                if errno == EAGAIN { return }
                if errno == EINTR { continue }
                throw LoadError.system("receiving")
            }
            guard count > 0 else { throw LoadError("the server closed a session") }
            discarded += count
            if count < limit { return }
        }
    }

    private func giveSignsOfLife() throws {
        guard cload_now() - spoke > Self.silence, !wire.signOfLife.isEmpty else { return }
        for connection in open { try connection.send(wire.signOfLife) }
        spoke = cload_now()
    }
}
