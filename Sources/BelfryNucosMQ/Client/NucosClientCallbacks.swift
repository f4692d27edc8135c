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
        /// Callbacks of rooms come before those of events (nucosMQ wire, §5).
        var rooms: [RoomCallback] = []
        var events: [(event: String, handler: Handler)] = []
        var connects: [@Sendable () async -> Void] = []
        var disconnects: [@Sendable (NucosDisconnection) async -> Void] = []
    }

    /// What waits to be told.
    let queue: Queue<Item>
    private let state = Lock(State())

    init(limit: Int) {
        queue = Queue(.init(limit: limit, policy: .suspend))
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
        let batches = queue.batches(upTo: 256)
        tasks.add { [weak self] in
            do {
                for try await batch in batches {
                    guard let self else { return }
                    let (rooms, events) = self.state.withLock { ($0.rooms, $0.events) }
                    for case .element(let item) in batch { await self.call(item, rooms, events) }
                }
            } catch {
                // Cancelled with the client: there is nobody left to call.
                return
            }
        }
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
