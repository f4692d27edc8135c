// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO

/// The callbacks of a client: called one after the other, off the event loop, in the order of what happened.
final class NucosClientCallbacks: Sendable {
    /// A room's callback: for one event, or for every event.
    struct RoomCallback: Sendable {
        let room: String
        let event: String
        let handler: Handler
    }

    /// What happened.
    enum Item: Sendable {
        case message(NucosMessage)
        case connected
        case disconnected(NucosDisconnection)
    }

    typealias Handler = @Sendable (Payload) async -> Void

    private struct State: ~Copyable {
        var isStarted = false
        /// Items that have not been told yet.
        var waiting = 0
        var waiters: [Parker<Void>] = []
        /// Callbacks of rooms come before those of events (nucosMQ wire, §5).
        var rooms: [RoomCallback] = []
        var events: [(event: String, handler: Handler)] = []
        var connects: [@Sendable () async -> Void] = []
        var disconnects: [@Sendable (NucosDisconnection) async -> Void] = []
    }

    /// What waits to be told, as it came from the socket: a stretch at a time, since each costs a lock and a wake.
    private let queue = Queue<[Item]>(.init(limit: .max, policy: .suspend))
    /// Items that wait before the connection is to be held.
    private let limit: Int
    private let state = Lock(State())

    init(limit: Int) { self.limit = limit }

    /// Queues what happened, whatever the limit; whether it is reached now.
    func push(_ items: [Item]) -> Bool {
        let isFull = state.withLock { state in
            state.waiting += items.count
            return state.waiting >= limit
        }
        queue.send(items, force: true)
        return isFull
    }

    /// Returns when at most half of what may wait still does, or in a cancelled task.
    func waitForRoom() async {
        let waiter = Parker<Void>()
        let isWaiting = state.withLock { state in
            guard state.waiting > limit / 2 else { return false }
            state.waiters.append(waiter)
            return true
        }
        if isWaiting { _ = await waiter.park() }
    }

    private func told(_ count: Int) {
        let waiters: [Parker<Void>] = state.withLock { state in
            state.waiting -= count
            guard state.waiting <= limit / 2 else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.unpark() }
    }

    /// Registers a callback of a room; the event `all` stands for every event.
    func add(room: String, event: String, _ handler: @escaping Handler) {
        state.withLock { $0.rooms.append(RoomCallback(room: room, event: event, handler: handler)) }
    }

    /// Registers a callback of an event, through a room or not; `all` stands for every event.
    func add(event: String, _ handler: @escaping Handler) {
        state.withLock { $0.events.append((event, handler)) }
    }

    func addConnect(_ handler: @escaping @Sendable () async -> Void) {
        state.withLock { $0.connects.append(handler) }
    }

    func addDisconnect(_ handler: @escaping @Sendable (NucosDisconnection) async -> Void) {
        state.withLock { $0.disconnects.append(handler) }
    }

    /// Starts calling, once; ends when the callbacks and what waits are gone.
    func start(in tasks: TaskPool) {
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard isFirst else { return }
        // Not the queue itself, which ends when nobody but this task knows it.
        let batches = queue.batches(upTo: 4)
        tasks.add { [weak self] in
            do {
                for try await batch in batches {
                    guard let self else { return }
                    for case .element(let items) in batch { await self.tell(items) }
                }
            } catch {
                // Cancelled with the client: there is nobody left to call.
                return
            }
        }
    }

    private func tell(_ items: [Item]) async {
        let (rooms, events) = state.withLock { ($0.rooms, $0.events) }
        for item in items { await call(item, rooms, events) }
        told(items.count)
    }

    private func call(
        _ item: Item,
        _ rooms: [RoomCallback],
        _ events: [(event: String, handler: Handler)]
    ) async {
        switch item {
        case .message(let message):
            if let room = message.room {
                for callback in rooms where callback.room == room {
                    guard callback.event == message.event || callback.event == "all" else { continue }
                    await callback.handler(message.content)
                }
            }
            for (event, handler) in events where event == message.event || event == "all" {
                await handler(message.content)
            }
        case .connected:
            for handler in state.withLock({ $0.connects }) { await handler() }
        case .disconnected(let disconnection):
            for handler in state.withLock({ $0.disconnects }) { await handler(disconnection) }
        }
    }
}
