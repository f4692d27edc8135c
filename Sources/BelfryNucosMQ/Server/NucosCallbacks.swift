// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO

/// The original's callback registrations on top of the async sequences.
final class NucosCallbacks: Sendable {
    /// What a callback is registered for.
    enum Filter: Hashable, Sendable {
        case event(String)
        case room(String)
        case roomEvent(String, String)
    }

    typealias Handler = @Sendable (Payload) async -> Void

    private struct State: ~Copyable {
        var handlers: [(filter: Filter, handler: Handler)] = []
        var followed: Set<String> = []
    }

    private let state = Lock(State())
    private let tasks: TaskPool

    init(events: Queue<NucosEvent>, tasks: TaskPool) {
        self.tasks = tasks
        tasks.add { [weak self] in
            do {
                for try await case .element(let event) in events {
                    await self?.call([.event(event.event), .event("all")], with: event.content)
                }
            } catch {
                // Closed with the server: there is nobody left to call.
                return
            }
        }
    }

    func add(_ filter: Filter, _ handler: @escaping Handler) {
        state.withLock { $0.handlers.append((filter, handler)) }
    }

    /// Starts to follow a room, once.
    func follow(_ room: Room) {
        guard state.withLock({ $0.followed.insert(room.name).inserted }) else { return }
        let messages = room.messages(limit: 4_096)
        tasks.add { [weak self] in
            do {
                for try await case .message(let message) in messages {
                    await self?.call(
                        [
                            .roomEvent(room.name, message.event), .roomEvent(room.name, "all"), .room(room.name),
                        ],
                        with: message.payload
                    )
                }
            } catch {
                return
            }
        }
    }

    /// Each handler once, even for an event that is really named `all`, in order of registration.
    private func call(_ filters: Set<Filter>, with content: Payload) async {
        let handlers = state.withLock { $0.handlers.filter { filters.contains($0.filter) } }
        for (_, handler) in handlers { await handler(content) }
    }
}
