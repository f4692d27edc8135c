// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Glibc

/// A connection during set-up: blocking, everything parsed properly.
struct BlockingConnection {
    let descriptor: CInt
    /// Interludes so far.
    private(set) var interludes = 0
    /// What the server calls this connection, where it has to say so.
    private(set) var identity: String?
    private let wire: any Wire
    private var room: String?
    private var received: [UInt8] = []
    /// Bytes of ``received`` that were parsed.
    private var parsed = 0

    /// Connects and waits until the server has taken the opening; subscribed to `room` if there is one.
    init(host: String, port: UInt16, wire: any Wire, room: String?) throws {
        try self.init(host: host, port: port, wire: wire, saying: wire.opening(room: room))
        self.room = room
        if !wire.opensSilently { try waitUntilIn(answer: nil) }
    }

    /// Connects and says something.
    init(host: String, port: UInt16, wire: any Wire, saying bytes: [UInt8]) throws {
        self.wire = wire
        descriptor = cload_connect(host, port, 5)
        guard descriptor >= 0 else { throw LoadError.system("connecting to \(host):\(port)") }
        try send(bytes)
    }

    /// Waits until the server has taken what was said: for an answer byte by byte, or for one that says so.
    mutating func waitUntilIn(answer: [UInt8]?) throws {
        while true {
            let (item, frame) = try next()
            if let answer {
                if frame == answer { return }
                continue
            }
            if item == .ready { return }
            guard item == .greeting else {
                throw LoadError("\(wire.name): unexpected \(item) before the room was joined")
            }
            identity = wire.identity(in: frame) ?? identity
            try send(wire.answer(toGreetingOf: identity, room: room))
        }
    }

    /// The same without waiting: takes what is here, and tells whether the server has said so in it.
    mutating func isIn(answer: [UInt8]?) throws -> Bool {
        while try receive(waits: false) {}
        while let (item, length) = try wire.parse(received[parsed...]) {
            let frame = Array(received[parsed..<(parsed + length)])
            parsed += length
            if item == .interlude {
                interludes += 1
                try send(wire.interludeAnswer)
            } else if answer.map({ $0 == frame }) ?? (item == .ready) {
                return true
            } else if answer == nil, item != .greeting {
                throw LoadError("\(wire.name): unexpected \(item) before the room was joined")
            }
        }
        return false
    }

    /// Whether nothing is read that was not asked for.
    var isDrained: Bool { parsed == received.count }

    /// Takes interludes that are here already, without waiting.
    mutating func takeInterludes() throws {
        while try receive(waits: false) {}
        while let (item, length) = try wire.parse(received[parsed...]), item == .interlude {
            interludes += 1
            parsed += length
        }
    }

    /// Sends all of it.
    func send(_ bytes: [UInt8]) throws {
        var start = 0
        while start < bytes.count {
            let sent = bytes[start...].withUnsafeBytes { cload_send(descriptor, $0.baseAddress, $0.count) }
            guard sent > 0 else { throw LoadError.system("sending") }
            start += sent
        }
    }

    /// The next item that is no interlude, and its bytes; waits five seconds for it.
    mutating func next() throws -> (item: WireItem, frame: [UInt8]) {
        while true {
            if let (item, length) = try wire.parse(received[parsed...]) {
                let frame = Array(received[parsed..<(parsed + length)])
                parsed += length
                guard item == .interlude else { return (item, frame) }
                interludes += 1
                try send(wire.interludeAnswer)
                continue
            }
            _ = try receive(waits: true)
        }
    }

    /// Reads some; false if there is nothing and it shall not wait.
    private mutating func receive(waits: Bool) throws -> Bool {
        received.removeFirst(parsed)
        parsed = 0
        var chunk = [UInt8](repeating: 0, count: 16_384)
        let count =
            waits
            ? cload_receive(descriptor, &chunk, chunk.count) : cload_receive_now(descriptor, &chunk, chunk.count)
        guard count > 0 else {
            if count < 0, errno == EAGAIN, !waits { return false }
            throw count == 0
                ? LoadError("\(wire.name): the server closed a connection during set-up")
                : LoadError.system("\(wire.name): waiting for an answer during set-up")
        }
        received += chunk[..<count]
        return true
    }
}
