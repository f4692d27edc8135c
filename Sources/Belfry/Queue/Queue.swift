// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A bounded queue that any number of tasks fill and one task at a time empties as an async sequence.
///
/// ```swift
/// let queue = Queue<String>(.init(limit: 50, policy: .dropOldest))
/// queue.send("hello")
/// for try await delivery in queue {
///     switch delivery {
///     case .element(let text): print(text)
///     case .gap(let from, let to): print("lost \(to - from)")
///     }
/// }
/// ```
///
/// - Bounds: a number of elements, and optionally bytes and a time to live. What happens past them says the
///   ``OverflowPolicy``; nothing is lost without being counted in ``statistics`` and announced in the stream.
/// - Order: elements come out in the order in which they were taken; those of one producer in its order.
/// - Waiting: `next` returns at once while something is queued. It suspends only when the queue is empty, and then
///   throws ``QueueError/Code/cancelled`` when its task is cancelled; the queue stays usable.
/// - End: after ``close()`` the consumer gets what is queued and then `nil`, after ``fail(_:)`` the error.
///   A queue that nobody holds any more closes itself.
///
/// Every method may be called from any thread. <doc:MemoryAgainstLoss> says what each setting costs and loses.
public final class Queue<Value: Sendable>: AsyncSequence, Sendable {
    /// What the consumer gets.
    public typealias Element = Delivery
    /// What ends the sequence early.
    public typealias Failure = QueueError

    @usableFromInline let storage: QueueStorage<Value>
    /// Of a consumer's end: told when it and its iterators are gone; the producer's end has none and closes the queue.
    @usableFromInline let anchor: QueueAnchor?

    /// Creates an empty, open queue.
    public init(_ configuration: Configuration = Configuration()) {
        storage = QueueStorage(configuration)
        anchor = nil
    }

    private init(storage: QueueStorage<Value>, anchor: QueueAnchor) {
        self.storage = storage
        self.anchor = anchor
    }

    deinit {
        if anchor == nil { storage.finish(with: nil) }
    }

    /// The same queue for who consumes it, while the producer keeps this one.
    ///
    /// `abandoned` is called once when nobody holds the consumer's end or an iterator of it any more, on any thread.
    package func consumerEnd(abandoned: @escaping @Sendable () -> Void) -> Queue {
        Queue(storage: storage, anchor: QueueAnchor(abandoned))
    }

    /// Offers an element without waiting, and says what became of it.
    ///
    /// - Parameters:
    ///   - value: The element.
    ///   - force: Takes the element past the limits of count and bytes, dropping nothing. The queue's memory is then the
    ///     caller's care. Only a closed queue refuses.
    @inlinable
    @discardableResult
    public func send(_ value: Value, force: Bool = false) -> QueueAdmission {
        storage.send(value, force: force)
    }

    /// Queues an element as soon as there is room, whatever the policy; waiting producers take turns in their order.
    ///
    /// Returns once the element is queued, not once it is consumed. An element that waits outside the queue counts
    /// neither against its limits nor its time to live.
    ///
    /// - Throws: ``QueueError`` with the code `closed`, `tooLarge`, or `cancelled`; the element is then not queued.
    @inlinable
    public func sendWaiting(_ value: Value) async throws(QueueError) {
        try await storage.sendWaiting(value, isolation: #isolation)
    }

    /// Ends the queue behind what it holds: the consumer gets that and then `nil`.
    ///
    /// Producers are refused from now on, those that wait too. Closing an ended queue does nothing.
    public func close() {
        storage.finish(with: nil)
    }

    /// Ends the queue behind what it holds: the consumer gets that and then `error`, once.
    ///
    /// Otherwise like ``close()``.
    public func fail(_ error: QueueError) {
        storage.finish(with: error)
    }

    /// Drops the elements that have outlived the time to live.
    ///
    /// Sending and consuming do so by themselves. A queue that sees neither for long keeps expired elements in memory,
    /// and producers waiting, until this is called.
    public func removeExpired() {
        storage.removeExpired()
    }

    /// What the queue has done and how full it is.
    public var statistics: QueueStatistics {
        storage.statistics
    }

    /// The same stream in arrays: everything that is queued, at most `max` elements and gaps at a time.
    ///
    /// Waits like the queue itself while there is nothing; an array is never empty. Values of `max` below 1 mean 1.
    @inlinable
    public func batches(upTo max: Int = 64) -> Batches {
        Batches(storage: storage, anchor: anchor, max: Swift.max(1, max))
    }

    /// Starts consuming at the oldest element that is queued.
    @inlinable
    public func makeAsyncIterator() -> Iterator {
        Iterator(storage: storage, anchor: anchor)
    }
}

extension Queue {
    /// One thing that comes out of a queue.
    public enum Delivery: Sendable {
        /// The next element.
        case element(Value)
        /// Here `to - from` elements are missing: those with the offsets from `from` up to, but not including, `to`.
        ///
        /// Offsets count from 0 every element offered to the queue, except to a closed one and except what a producer
        /// kept: an element sent by `sendWaiting`, or under the policy `.suspend`, that was not queued.
        case gap(from: UInt64, to: UInt64)
    }

    /// Hands out a queue's elements and gaps one by one.
    ///
    /// Iterators share the queue: each element goes to one of them. While one waits, `next` of another throws
    /// ``QueueError/Code/consumerBusy``.
    public struct Iterator: AsyncIteratorProtocol {
        @usableFromInline let storage: QueueStorage<Value>
        @usableFromInline let anchor: QueueAnchor?

        @inlinable
        init(storage: QueueStorage<Value>, anchor: QueueAnchor?) {
            self.storage = storage
            self.anchor = anchor
        }

        /// Returns the next element or gap, at once while there is one; `nil` at the end of the queue.
        ///
        /// - Throws: ``QueueError`` with the code `slowConsumer`, `cancelled`, `consumerBusy`, or what the queue was
        ///   failed with.
        @inlinable
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(QueueError) -> Delivery? {
            try await storage.next(isolation: actor)
        }

        /// Returns the next element or gap, as ``next(isolation:)`` does.
        @inlinable
        public mutating func next() async throws(QueueError) -> Delivery? {
            try await storage.next(isolation: #isolation)
        }
    }
}

extension Queue.Delivery: Equatable where Value: Equatable {}
extension Queue.Delivery: Hashable where Value: Hashable {}

@available(*, unavailable)
extension Queue.Iterator: Sendable {}
