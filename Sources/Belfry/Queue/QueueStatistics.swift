// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a queue has done since it was made, and how full it is.
///
/// At any moment `accepted == delivered + droppedOldest + overtaken + expired + currentCount`, and
/// `offered == delivered + lost + currentCount`.
public struct QueueStatistics: Sendable, Hashable {
    /// Elements that took an offset: all that were sent, except to a closed queue and except what a producer kept.
    public let offered: UInt64
    /// Elements that were queued.
    public let accepted: UInt64
    /// Elements that were handed to the consumer.
    public let delivered: UInt64
    /// Queued elements that made room for newer ones, the oldest first.
    public let droppedOldest: UInt64
    /// Elements that ``OverflowPolicy/dropNewest`` did not take because the queue was full.
    public let droppedNewest: UInt64
    /// Queued elements that ``OverflowPolicy/latestPerKey`` dropped because a newer one has the same key.
    public let overtaken: UInt64
    /// Queued elements that outlived the time to live.
    public let expired: UInt64
    /// Elements not taken because the queue was closed.
    public let refusedClosed: UInt64
    /// Elements not taken because they alone are bigger than the byte limit.
    public let refusedTooLarge: UInt64
    /// Elements not taken because ``OverflowPolicy/disconnect`` ended the queue at them: 0 or 1.
    public let refusedSlowConsumer: UInt64
    /// Elements that ``OverflowPolicy/suspend`` did not take from a producer that does not wait.
    public let refusedFull: UInt64
    /// Elements queued now.
    public let currentCount: Int
    /// Bytes queued now, as the queue's `size` closure counts them.
    public let currentBytes: Int
    /// The most elements that were queued at once.
    public let peakCount: Int
    /// The most bytes that were queued at once.
    public let peakBytes: Int
    /// Producers that wait for room now.
    public let waitingProducers: Int

    /// Elements that the consumer has missed or will miss, for whatever cause: the sum of all gaps.
    public var lost: UInt64 { offered &- delivered &- UInt64(clamping: currentCount) }

    /// Elements not taken for another reason than ``OverflowPolicy/dropNewest``.
    public var refused: UInt64 { refusedClosed &+ refusedTooLarge &+ refusedSlowConsumer &+ refusedFull }

    init(_ counters: QueueCounters, offered: UInt64, currentCount: Int, currentBytes: Int, waitingProducers: Int) {
        self.offered = offered
        accepted = counters.accepted
        delivered = counters.delivered
        droppedOldest = counters.droppedOldest
        droppedNewest = counters.droppedNewest
        overtaken = counters.overtaken
        expired = counters.expired
        refusedClosed = counters.refusedClosed
        refusedTooLarge = counters.refusedTooLarge
        refusedSlowConsumer = counters.refusedSlowConsumer
        refusedFull = counters.refusedFull
        self.currentCount = currentCount
        self.currentBytes = currentBytes
        peakCount = counters.peakCount
        peakBytes = counters.peakBytes
        self.waitingProducers = waitingProducers
    }
}

/// What a queue counts as it goes; ``QueueStatistics`` says what each means.
///
/// A type of its own because a public property with an internal setter can't be set by inlinable code.
@usableFromInline
struct QueueCounters: Sendable {
    @usableFromInline var accepted: UInt64 = 0
    @usableFromInline var delivered: UInt64 = 0
    @usableFromInline var droppedOldest: UInt64 = 0
    @usableFromInline var droppedNewest: UInt64 = 0
    @usableFromInline var overtaken: UInt64 = 0
    @usableFromInline var expired: UInt64 = 0
    @usableFromInline var refusedClosed: UInt64 = 0
    @usableFromInline var refusedTooLarge: UInt64 = 0
    @usableFromInline var refusedSlowConsumer: UInt64 = 0
    @usableFromInline var refusedFull: UInt64 = 0
    @usableFromInline var peakCount = 0
    @usableFromInline var peakBytes = 0

    init() {}

    /// Counts an element that was not taken.
    @usableFromInline
    mutating func countRefusal(_ reason: QueueRefusal) {
        switch reason {
        case .closed: refusedClosed &+= 1
        case .full: refusedFull &+= 1
        case .tooLarge: refusedTooLarge &+= 1
        case .slowConsumer: refusedSlowConsumer &+= 1
        }
    }
}
