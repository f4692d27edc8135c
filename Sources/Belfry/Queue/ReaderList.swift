// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// Who reads a stream of events of a server: a bounded queue each.
package final class ReaderList<Event: Sendable>: Sendable {
    /// A queue that somebody may still read.
    private struct Entry: Sendable {
        let queue: Queue<Event>
        /// Lives as long as the reader.
        weak let reader: Reader?
    }

    private final class Reader: Sendable {}

    private let entries = Lock<[Entry]>([])

    /// A list that nobody reads.
    package init() {}

    /// Whether there may be somebody.
    package var isEmpty: Bool { entries.withLock { $0.isEmpty } }

    /// Adds who hears of events, as long as the answer or an iterator of it is held somewhere.
    package func add(_ queue: Queue<Event>) -> Queue<Event> {
        let reader = Reader()
        entries.withLock { $0.append(Entry(queue: queue, reader: reader)) }
        return queue.consumerEnd { withExtendedLifetime(reader) {} }
    }

    /// Tells everybody; who is too slow loses by their queue's policy, and holds up nobody.
    package func send(_ event: Event) {
        let entries = entries.withLock { entries in
            entries.removeAll { $0.reader == nil }
            return entries
        }
        for entry in entries { entry.queue.send(event) }
    }
}
