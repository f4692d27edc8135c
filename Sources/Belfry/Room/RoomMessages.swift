// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// The messages of a room, in order, with every loss told: an async sequence of ``Delivery``.
///
/// Each iterator is a subscription of its own, with a cursor over the room's log, so that publishing costs the same
/// however many there are. Cancelling the task ends the sequence.
public struct RoomMessages: AsyncSequence, Sendable {
    /// A message or the announcement of a loss.
    public typealias Element = Delivery
    /// What ends the sequence early, as `.slowConsumer`.
    public typealias Failure = BelfryError

    let room: Room
    let start: StartPosition
    let limit: Int
    let maxBytes: Int
    let policy: OverflowPolicy
    let lease: RoomLease

    init(room: Room, start: StartPosition, limit: Int, maxBytes: Int, policy: OverflowPolicy) {
        self.room = room
        self.start = start
        self.limit = limit
        self.maxBytes = maxBytes
        self.policy = policy
        lease = RoomLease(room)
    }

    /// Begins a subscription.
    public func makeAsyncIterator() -> Iterator { Iterator(sequence: self) }

    /// The same in arrays of what is there, 1 to `count` at a time.
    public func batches(upTo count: Int = 64) -> RoomBatches { RoomBatches(messages: self, count: Swift.max(1, count)) }

    /// One subscription's place.
    public struct Iterator: AsyncIteratorProtocol {
        private let sequence: RoomMessages
        private var lease: RoomLease?
        private var number: UInt64 = 0
        private var buffer: [Delivery] = []
        private var index = 0

        init(sequence: RoomMessages) { self.sequence = sequence }

        /// The next delivery: at once while some are buffered; nil when the room or broker closes or the task is
        /// cancelled.
        ///
        /// - Throws: ``BelfryError`` `.slowConsumer` under the policy `.disconnect`.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(BelfryError) -> Delivery? {
            if index < buffer.count {
                defer { index += 1 }
                return buffer[index]
            }
            buffer = try await nextBatch(64)
            index = 1
            return buffer.first
        }

        /// What is buffered, or else the next fetch.
        mutating func nextBatch(_ count: Int) async throws(BelfryError) -> [Delivery] {
            if lease == nil {
                if let adopted = sequence.lease.take() {
                    number = adopted
                } else {
                    number = await sequence.room.subscribe(sequence)
                }
                let lease = RoomLease(sequence.room)
                lease.adopt(number)
                self.lease = lease
            }
            guard !Task.isCancelled else { return [] }
            return try await sequence.room.fetch(number, count: count)
        }
    }
}

/// A room's messages in arrays.
public struct RoomBatches: AsyncSequence, Sendable {
    /// What was there when the iterator asked.
    public typealias Element = [Delivery]
    /// What ends the sequence early, as `.slowConsumer`.
    public typealias Failure = BelfryError

    let messages: RoomMessages
    let count: Int

    /// Begins a subscription.
    public func makeAsyncIterator() -> Iterator { Iterator(base: messages.makeAsyncIterator(), count: count) }

    /// One subscription's place.
    public struct Iterator: AsyncIteratorProtocol {
        var base: RoomMessages.Iterator
        let count: Int

        /// The next batch, never empty; nil at the end.
        ///
        /// - Throws: ``BelfryError`` `.slowConsumer` under the policy `.disconnect`.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(BelfryError) -> [Delivery]? {
            let batch = try await base.nextBatch(count)
            return batch.isEmpty ? nil : batch
        }
    }
}

/// Ends a subscription when nobody holds it any more.
final class RoomLease: Sendable {
    private let room: Room
    private let number = Lock<UInt64?>(nil)

    init(_ room: Room) { self.room = room }

    func adopt(_ number: UInt64) { self.number.withLock { $0 = number } }

    /// Hands the subscription on to an iterator.
    func take() -> UInt64? { number.withLock { $0.take() } }

    deinit {
        guard let number = take() else { return }
        let room = self.room
        room.loop.execute { room.assumeIsolated { $0.unsubscribe(number) } }
    }
}
