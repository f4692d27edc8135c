// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a queue has done since it was made, and how full it is.
///
/// At any moment `accepted == delivered + droppedOldest + overtaken + expired + currentCount`.
public struct QueueStatistics: Sendable, Hashable {
    /// Elements that were queued.
    public internal(set) var accepted: UInt64 = 0
    /// Elements that were handed to the consumer.
    public internal(set) var delivered: UInt64 = 0
    /// Queued elements that made room for newer ones, the oldest first.
    public internal(set) var droppedOldest: UInt64 = 0
    /// Elements that ``OverflowPolicy/dropNewest`` did not take because the queue was full.
    public internal(set) var droppedNewest: UInt64 = 0
    /// Queued elements that ``OverflowPolicy/latestPerKey`` dropped because a newer one has the same key.
    public internal(set) var overtaken: UInt64 = 0
    /// Queued elements that outlived the time to live.
    public internal(set) var expired: UInt64 = 0
    /// Elements not taken for another reason: closed, too large, slow consumer, full with the policy `.suspend`.
    public internal(set) var refused: UInt64 = 0
    /// Elements queued now.
    public internal(set) var currentCount = 0
    /// Bytes queued now, as the queue's `size` closure counts them.
    public internal(set) var currentBytes = 0
    /// The most elements that were queued at once.
    public internal(set) var peakCount = 0
    /// The most bytes that were queued at once.
    public internal(set) var peakBytes = 0
    /// Producers that wait for room now.
    public internal(set) var waitingProducers = 0
}
