// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO

/// An event on its way to those who listen, with what is to happen when its callbacks have returned.
struct ClientNews: Sendable {
    let event: ClientEvent
    var done: (@Sendable () -> Void)?
}

/// One listener: a queue and what of a client's events goes into it.
struct ClientOutlet: Sendable {
    /// Control events past a full queue, so that a consumer that waits for ever does not take all memory.
    private static let maxForced = 1_024

    /// False: there is no room for a message; offer it again, or wait for room.
    let offer: @Sendable (ClientNews) -> Bool
    /// Returns when the event is queued, or never will be.
    let offerWaiting: @Sendable (ClientNews) async -> Void
    /// Ends the queue behind what it holds.
    let close: @Sendable () -> Void

    /// Feeds a queue.
    ///
    /// - Parameters:
    ///   - policy: The queue's; under `.suspend` messages wait for room.
    ///   - limit: The queue's.
    ///   - select: What goes into it; nil for what does not.
    init<Value>(
        _ queue: Queue<Value>,
        policy: OverflowPolicy,
        limit: Int,
        _ select: @escaping @Sendable (ClientNews) -> Value?
    ) {
        offer = { news in
            guard let value = select(news) else { return true }
            guard policy == .suspend, news.event.verb != .message else {
                if case .refused(.full) = queue.send(value) { return policy != .suspend }
                return true
            }
            // What is no message does not come in masses, and must not hold up the client.
            if queue.statistics.currentCount < limit + Self.maxForced { queue.send(value, force: true) }
            return true
        }
        offerWaiting = { news in
            guard let value = select(news) else { return }
            // Closed, cancelled or too large: there is nobody to give it to.
            try? await queue.sendWaiting(value)
        }
        close = { queue.close() }
    }
}

/// All who listen to a client.
final class ClientOutlets: Sendable {
    private struct State: ~Copyable {
        var outlets: [(number: UInt64, outlet: ClientOutlet)] = []
        var last: UInt64 = 0
        var isClosed = false
    }

    private let state = Lock(State())

    /// Adds a listener that is forgotten when nobody holds the answer or an iterator of it.
    func add<Value>(
        _ configuration: Queue<Value>.Configuration,
        _ select: @escaping @Sendable (ClientNews) -> Value?
    ) -> Queue<Value> {
        let queue = Queue<Value>(configuration)
        let outlet = ClientOutlet(queue, policy: configuration.policy, limit: configuration.limit, select)
        let number: UInt64? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.last += 1
            state.outlets.append((state.last, outlet))
            return state.last
        }
        if number == nil { queue.close() }
        return queue.consumerEnd { [weak self] in
            // Whoever waits for room in it waits in vain.
            outlet.close()
            guard let number else { return }
            self?.remove(number)
        }
    }

    private func remove(_ number: UInt64) {
        // Let go of outside the lock.
        let removed = state.withLock { state in
            let removed = state.outlets.filter { $0.number == number }
            state.outlets.removeAll { $0.number == number }
            return removed
        }
        withExtendedLifetime(removed) {}
    }

    /// Offers an event to the listeners after one, in order.
    ///
    /// - Returns: One that has no room: wait for it, and go on after it. Nil when all have it.
    func deliver(_ news: ClientNews, after last: UInt64) -> (number: UInt64, outlet: ClientOutlet)? {
        let outlets = state.withLock { $0.outlets }
        for (number, outlet) in outlets where number > last {
            if !outlet.offer(news) { return (number, outlet) }
        }
        return nil
    }

    /// Ends all; who comes later gets an ended queue.
    func closeAll() {
        let outlets = state.withLock { state in
            state.isClosed = true
            defer { state.outlets = [] }
            return state.outlets
        }
        for (_, outlet) in outlets { outlet.close() }
    }
}
