// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry

/// The queues of those who hear what happens to a client.
struct IRCListeners {
    private var outlets: [UInt64: Outlet] = [:]
    private var last: UInt64 = 0

    private struct Outlet {
        let offer: (IRCEvent) -> Void
        let end: (QueueError?) -> Void
    }

    /// Adds a queue that hears of the events that `select` turns into values; its number.
    mutating func add<Value>(_ queue: Queue<Value>, _ select: @escaping (IRCEvent) -> Value?) -> UInt64 {
        last &+= 1
        outlets[last] = Outlet { event in
            if let value = select(event) { queue.send(value) }
        } end: { error in
            if let error { queue.fail(error) } else { queue.close() }
        }
        return last
    }

    mutating func remove(_ number: UInt64) { outlets[number] = nil }

    func tell(_ event: IRCEvent) {
        for outlet in outlets.values { outlet.offer(event) }
    }

    /// Ends all queues behind what they hold.
    mutating func end(_ error: QueueError?) {
        for outlet in outlets.values { outlet.end(error) }
        outlets = [:]
    }
}
