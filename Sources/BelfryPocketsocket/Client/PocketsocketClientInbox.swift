// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry

/// Hands the events of all servers to the readers of a client's sequences.
///
/// Loop-confined.
final class PocketsocketClientInbox {
    /// What a sequence shows.
    struct Filter: Sendable {
        /// A channel, or a whole message with its dot.
        let channel: String
        /// nil for every event.
        let event: String?

        func matches(_ event: PocketsocketClient.Event) -> Bool {
            guard event.channel == channel || event.message == channel && !channel.isEmpty else { return false }
            return self.event.map { $0 == event.name } ?? true
        }
    }

    private struct Listener {
        let number: UInt64
        let queue: Queue<PocketsocketClient.Event>
        let filter: Filter
        let isLossless: Bool
    }

    private var listeners: [Listener] = []

    /// Adds a reader, for as long as somebody holds the other end.
    ///
    /// - Parameter isLossless: the policy is `.suspend`, so a full queue is waited for.
    func add(_ queue: Queue<PocketsocketClient.Event>, number: UInt64, _ filter: Filter, isLossless: Bool) {
        listeners.append(Listener(number: number, queue: queue, filter: filter, isLossless: isLossless))
    }

    func remove(_ number: UInt64) {
        guard let index = listeners.firstIndex(where: { $0.number == number }) else { return }
        // Who waits for room there goes on.
        listeners.remove(at: index).queue.close()
    }

    /// Gives an event to all who want it; waits for those that lose nothing and have no room.
    func deliver(_ event: PocketsocketClient.Event) async {
        let waiting = offer(event)
        // Cancelled when the client closes, or closed with its reader: nobody is left who could miss the event.
        for queue in waiting { try? await queue.sendWaiting(event) }
    }

    /// The same without waiting; who lost nothing so far, and has no room.
    @discardableResult
    func offer(_ event: PocketsocketClient.Event) -> [Queue<PocketsocketClient.Event>] {
        var waiting: [Queue<PocketsocketClient.Event>] = []
        for listener in listeners where listener.filter.matches(event) {
            // A `dropNewest` queue announces its loss itself.
            if case .refused(.full) = listener.queue.send(event), listener.isLossless { waiting.append(listener.queue) }
        }
        return waiting
    }

    /// Ends the sequences: with nil, or with an error.
    func end(_ error: PocketsocketClientError?) {
        let ended = listeners
        listeners = []
        for listener in ended {
            if let error {
                listener.queue.fail(QueueError(.failed, message: error.message, cause: error))
            } else {
                listener.queue.close()
            }
        }
    }
}
