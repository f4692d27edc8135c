// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension Queue {
    /// A queue's elements and gaps in arrays, each fetched in one go.
    public struct Batches: AsyncSequence, Sendable {
        /// What the consumer gets; never empty.
        public typealias Element = [Delivery]
        /// What ends the sequence early.
        public typealias Failure = QueueError

        @usableFromInline let storage: QueueStorage<Value>
        @usableFromInline let anchor: QueueAnchor?
        @usableFromInline let max: Int

        @inlinable
        init(storage: QueueStorage<Value>, anchor: QueueAnchor?, max: Int) {
            self.storage = storage
            self.anchor = anchor
            self.max = max
        }

        /// Starts consuming at the oldest element that is queued.
        @inlinable
        public func makeAsyncIterator() -> Iterator {
            Iterator(storage: storage, anchor: anchor, max: max)
        }

        /// Hands out a queue's elements and gaps in arrays.
        public struct Iterator: AsyncIteratorProtocol {
            @usableFromInline let storage: QueueStorage<Value>
            @usableFromInline let anchor: QueueAnchor?
            @usableFromInline let max: Int

            @inlinable
            init(storage: QueueStorage<Value>, anchor: QueueAnchor?, max: Int) {
                self.storage = storage
                self.anchor = anchor
                self.max = max
            }

            /// Returns everything that is queued up to the batch size; waits while there is nothing.
            ///
            /// - Throws: ``QueueError`` as the queue's own iterator.
            @inlinable
            public mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws(QueueError) -> [Delivery]? {
                try await storage.nextBatch(upTo: max, isolation: actor)
            }

            /// Returns the next batch, as ``next(isolation:)`` does.
            @inlinable
            public mutating func next() async throws(QueueError) -> [Delivery]? {
                try await storage.nextBatch(upTo: max, isolation: #isolation)
            }
        }
    }
}

@available(*, unavailable)
extension Queue.Batches.Iterator: Sendable {}
