// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Glibc

/// The loop of a run: one thread, one epoll, all connections of a run.
///
/// A turn waits, reads every ready socket until it is empty, then gives the credits of messages that reached all
/// their subscribers back and publishes as many messages as there are credits, in one write per publisher: the closed
/// loop. With a rate it is open instead: what is due is published, and latency runs from when it was due.
final class LoadEngine {
    /// Deliveries to counted subscribers so far.
    private(set) var delivered = 0
    /// Where latencies go; nothing is recorded while nil.
    var latency: Latency?
    /// Where it goes how long after they were due messages went out, in the open loop.
    var lateness: Latency?

    private let wire: any Wire
    private let connections: UnsafeMutableBufferPointer<Connection>
    private let groups: UnsafeMutableBufferPointer<Group>
    private let epoll: CInt
    private let events: UnsafeMutableBufferPointer<epoll_event>
    private let buffer: UnsafeMutableRawBufferPointer
    private var touched: [Int] = []
    private var isPublishing = true
    /// Whether every byte is looked at; at the end of a run.
    private var isThorough = false

    /// Whether to poll instead of sleeping, so that the server never has to wake anybody up.
    private let spins: Bool
    /// Messages per second of each publisher in the open loop.
    private let rate: Double?
    private static let discardLimit = 4 << 20
    /// Nanoseconds without any delivery after which a run has failed.
    private static let patience: Int64 = 5_000_000_000

    init(wire: any Wire, connections: [Connection], groups: [Group], spins: Bool, rate: Double?) throws {
        self.spins = spins
        self.rate = rate
        if rate != nil { cload_wake_in_time() }
        self.wire = wire
        self.connections = .allocate(capacity: connections.count)
        _ = self.connections.initialize(from: connections)
        self.groups = .allocate(capacity: groups.count)
        _ = self.groups.initialize(from: groups)
        events = .allocate(capacity: 1_024)
        events.initialize(repeating: epoll_event())
        buffer = .allocate(byteCount: 256 << 10, alignment: 64)
        epoll = cload_epoll()
        guard epoll >= 0 else { throw LoadError.system("epoll_create1") }
        for index in connections.indices where cload_watch(epoll, connections[index].descriptor, UInt32(index)) != 0 {
            throw LoadError.system("epoll_ctl")
        }
        for index in groups.indices { touch(index) }
    }

    deinit {
        for connection in connections { close(connection.descriptor) }
        close(epoll)
        connections.deinitialize()
        connections.deallocate()
        groups.deinitialize()
        groups.deallocate()
        events.deallocate()
        buffer.deallocate()
    }

    /// Bytes of a delivery on the wire.
    var frameBytes: Int { connections[groups[0].members.lowerBound].counter.length }

    /// Whether the loop is open: publishing does not wait for deliveries.
    var isPaced: Bool { rate != nil }

    /// Keeps the loop going for that many seconds of wall time.
    func run(seconds: Double) throws {
        let now = cload_now()
        let end = now + Int64(seconds * 1e9)
        if let rate {
            for index in groups.indices {
                let interval = 1e9 / rate
                // Publishers take turns within an interval.
                let start = now + Int64(interval * Double(index + 1) / Double(groups.count))
                groups[index].pace = Pace(start: start, interval: interval)
            }
        }
        isPublishing = true
        try loop { cload_now() < end }
        guard isPaced else { return }
        let behind = groups.reduce(0) { $0 + ($1.pace?.due(at: end) ?? 0) }
        guard Double(behind) <= Double(groups.count) + 0.01 * (rate ?? 0) * seconds else {
            throw LoadError("the server does not keep up with the rate: \(behind) messages could not be sent in time")
        }
    }

    /// Waits for all that is outstanding, publishing nothing.
    func drain() throws {
        isPublishing = false
        try loop { self.outstanding > 0 }
    }

    /// Waits for all that is outstanding, then has one last message looked at byte by byte by every connection.
    ///
    /// Every frame's stamp is its number, so this shows that nothing was lost, repeated or changed in length before.
    func finish() throws {
        try drain()
        isThorough = true
        for index in groups.indices {
            try groups[index].publish(1, descriptor: connections[groups[index].publisher].descriptor)
        }
        try loop { self.outstanding > 0 }
        // What comes now is too much; the publishers' own copies and acknowledgements may still be on their way.
        let end = cload_now() + 20_000_000
        try loop { cload_now() < end }
        for connection in connections where connection.counter.length > 0 {
            let published = groups[connection.group].published
            guard connection.counter.frames == published, connection.counter.isAtBoundary else {
                throw LoadError("a connection has \(connection.counter.frames) frames of \(published)")
            }
        }
        for connection in connections {
            guard let receipts = connection.receipts else { continue }
            let published = groups[connection.group].published
            guard receipts.frames == published, receipts.isAtBoundary else {
                throw LoadError("a publisher has \(receipts.frames) receipts of \(published)")
            }
        }
    }

    private var outstanding: Int { groups.reduce(0) { $0 + $1.published - $1.complete } }

    private func loop(while goesOn: () -> Bool) throws {
        var progress = delivered
        var since = cload_now()
        while goesOn() {
            let count = cload_wait_events(epoll, events.baseAddress, CInt(events.count), patienceOfTurn())
            if count < 0, errno != EINTR { throw LoadError.system("epoll_wait") }
            if count <= 0 {
                let now = cload_now()
                if delivered != progress || outstanding == 0 { (progress, since) = (delivered, now) }
                if now - since > Self.patience { throw stalled() }
            }
            for index in 0..<Int(max(0, count)) {
                let event = events[index]
                let connection = Int(event.data.u32)
                if event.events & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 {
                    try receive(connection)
                }
                if event.events & EPOLLOUT.rawValue != 0 { try writable(connection) }
            }
            try grant()
        }
    }

    /// Nanoseconds that a turn may wait: ten milliseconds, or until a message is due.
    private func patienceOfTurn() -> Int64 {
        if spins { return 0 }
        guard isPaced, isPublishing else { return 10_000_000 }
        let now = cload_now()
        var wait: Int64 = 10_000_000
        for group in groups where group.credits > 0 {
            if let pace = group.pace { wait = min(wait, pace.time(of: pace.sent) - now) }
        }
        return wait
    }

    /// Reads until the socket is empty: a read that fills less than it could has emptied it.
    private func receive(_ index: Int) throws {
        let connection = connections.baseAddress.unsafelyUnwrapped + index
        while true {
            let looks = isThorough || !connection.pointee.mayDiscard || connection.pointee.reads & 63 == 0
            connection.pointee.reads &+= 1
            let before = connection.pointee.counter.frames
            let limit = looks ? buffer.count : Self.discardLimit
            let count =
                looks
                ? cload_receive(connection.pointee.descriptor, buffer.baseAddress, limit)
                : cload_discard(connection.pointee.descriptor, limit)
            if count < 0 {
                if errno == EAGAIN { return }
                if errno == EINTR { continue }
                throw LoadError.system("receiving")
            }
            guard count > 0 else { throw LoadError("the server closed a connection") }
            if connection.pointee.receipts != nil {
                try connection.pointee.receipts?.walk(.init(rebasing: buffer[..<count]))
            } else if looks {
                let interludes = connection.pointee.counter.interludes
                try connection.pointee.counter.walk(.init(rebasing: buffer[..<count]), everything: isThorough)
                if connection.pointee.counter.interludes != interludes { try answerInterlude(index) }
            } else {
                connection.pointee.counter.skip(count)
            }
            if connection.pointee.isCounted {
                if !connection.pointee.question.isEmpty {
                    for _ in before..<connection.pointee.counter.frames { try ask(connection.pointee) }
                }
                advance(group: connection.pointee.group, from: before, to: connection.pointee.counter.frames)
            }
            if count < limit { return }
        }
    }

    /// Asks for the next message.
    private func ask(_ connection: Connection) throws {
        let question = connection.question
        guard cload_send(connection.descriptor, question, question.count) == question.count else {
            throw LoadError.system("asking for the next message")
        }
    }

    /// Books the frames a member has got, and the messages that became complete by it.
    private func advance(group index: Int, from before: Int, to after: Int) {
        guard after > before else { return }
        delivered &+= after &- before
        let group = groups.baseAddress.unsafelyUnwrapped + index
        if latency != nil {
            let now = cload_now()
            if isPaced {
                for frame in before..<after { latency?.record(now &- group.pointee.time(of: frame), frames: 1) }
            } else {
                latency?.record(now &- group.pointee.time(of: (before &+ after) / 2), frames: after &- before)
            }
        }
        guard before == group.pointee.complete else { return }
        group.pointee.laggards &-= 1
        guard group.pointee.laggards == 0 else { return }
        var least = Int.max
        var laggards = 0
        for member in group.pointee.members {
            let frames = connections[member].counter.frames
            if frames < least { (least, laggards) = (frames, 0) }
            if frames == least { laggards &+= 1 }
        }
        group.pointee.complete = least
        group.pointee.laggards = laggards
        touch(index)
    }

    private func touch(_ group: Int) {
        guard !groups[group].isTouched else { return }
        groups[group].isTouched = true
        touched.append(group)
    }

    private func grant() throws {
        guard isPublishing else { return }
        if isPaced {
            for index in groups.indices {
                try groups[index].publishDue(
                    descriptor: connections[groups[index].publisher].descriptor,
                    lateness: &lateness
                )
            }
            return
        }
        guard !touched.isEmpty else { return }
        for index in touched {
            groups[index].isTouched = false
            let credits = groups[index].credits
            guard credits > 0 else { continue }
            try groups[index].publish(credits, descriptor: connections[groups[index].publisher].descriptor)
        }
        touched.removeAll(keepingCapacity: true)
    }

    private func writable(_ index: Int) throws {
        let group = connections[index].group
        guard groups[group].publisher == index else { return }
        try groups[group].flush(descriptor: connections[index].descriptor)
        if groups[group].owesAnswer, groups[group].isFlushed {
            groups[group].owesAnswer = false
            try answerInterlude(index)
        }
        touch(group)
    }

    /// After the first interlude none comes for the rest of the run, so bytes need no looking at any more.
    private func answerInterlude(_ index: Int) throws {
        let group = connections[index].group
        guard groups[group].publisher != index || groups[group].isFlushed else {
            groups[group].owesAnswer = true
            return
        }
        let answer = wire.interludeAnswer
        guard cload_send(connections[index].descriptor, answer, answer.count) == answer.count else {
            throw LoadError.system("answering a ping")
        }
        connections[index].mayDiscard = connections[index].counter.length > 0
    }

    private func stalled() -> LoadError {
        let missing = connections.filter { $0.isCounted && $0.counter.frames < groups[$0.group].published }
        return LoadError("missing deliveries: \(missing.count) subscribers wait for messages that do not come")
    }
}
