// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import Logging

/// What all connections of one nucosMQ server share; the front-end that the broker sees.
final class NucosShared: FrontEnd {
    let name: String
    let configuration: NucosServerConfiguration
    let logger: Logger
    let format = NucosFormat()
    let tasks = TaskPool()
    private let state = Lock(State())

    private struct State: ~Copyable {
        var listeners: [Listener] = []
        var link: SessionID?
        /// Those through their handshake, and when they came.
        var opened: [SessionID: UInt64] = [:]
        var openings: UInt64 = 0
        /// Who waits for somebody to come.
        var waiters: [Parker<Void>] = []
    }

    init(configuration: NucosServerConfiguration, number: UInt64, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        // Told apart from a second server on the same broker.
        name = "nucosmq-\(number)"
    }

    // An original client takes a read that is not full for the end of what was sent, and loses a message that is not
    // complete then (nucosMQ wire, §2). It reads 1,024 bytes at a time: in records of a multiple of that, each of its
    // reads within a large message is full, however it and the kernel are scheduled. 63 times 1,024 is the largest that
    // fits into a segment of the loopback device.
    var recordBytes: Int { 63 * 1_024 }

    func makeHandler(for connection: Connection) -> any ConnectionHandler {
        NucosConnection(connection, shared: self)
    }

    /// A queue that somebody may still read.
    private struct Listener: Sendable {
        let queue: Queue<NucosEvent>
        /// Lives as long as the reader.
        weak let reader: QueueReader?
    }

    private final class QueueReader: Sendable {}

    /// Adds who hears of events, as long as the answer or an iterator of it is held somewhere.
    func addListener(_ queue: Queue<NucosEvent>) -> Queue<NucosEvent> {
        let reader = QueueReader()
        state.withLock { $0.listeners.append(Listener(queue: queue, reader: reader)) }
        return queue.consumerEnd { withExtendedLifetime(reader) {} }
    }

    /// Offers an event to the listeners from the one with index `start` on.
    ///
    /// - Returns: The index of one that has no room: go on with it later. Nil when all have it.
    func deliver(_ event: NucosEvent, from start: Int) -> Int? {
        let listeners = state.withLock { state in
            if start == 0 { state.listeners.removeAll { $0.reader == nil } }
            return state.listeners
        }
        for index in listeners.indices where index >= start {
            if case .refused(.full)? = listeners[index].reader.map({ _ in listeners[index].queue.send(event) }) {
                return index
            }
        }
        return nil
    }

    /// For `singleServer`: only one connection at a time is let in.
    func admits(_ session: SessionID) -> Bool {
        guard configuration.singleServer else { return true }
        return state.withLock { state in
            guard state.link == nil else { return false }
            state.link = session
            return true
        }
    }

    func released(_ session: SessionID) {
        state.withLock { state in
            if state.link == session { state.link = nil }
            state.opened.removeValue(forKey: session)
        }
    }

    /// A connection is through its handshake.
    func opened(_ session: SessionID) {
        let waiters = state.withLock { state in
            state.openings += 1
            state.opened[session] = state.openings
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.unpark() }
    }

    /// The connection that is through its handshake for the longest time.
    var firstSession: SessionID? { state.withLock { state in state.opened.min { $0.value < $1.value }?.key } }

    /// Returns when the next connection is through its handshake, when `waiter` is woken, or the task cancelled.
    func waitForOpening(_ waiter: Parker<Void>) async {
        state.withLock { $0.waiters.append(waiter) }
        // One may have come just before.
        if firstSession != nil { waiter.unpark() }
        _ = await waiter.park()
        state.withLock { state in state.waiters.removeAll { $0 === waiter } }
    }
}
