// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a bounded queue, room or subscription gives up when its consumer falls behind the limit.
///
/// Every loss is counted and, with the one exception named below, announced in the stream as a gap of offsets before
/// the next element.
public enum OverflowPolicy: Sendable, Hashable, CaseIterable {
    /// The oldest waiting elements make room for the new one; the consumer always gets the newest `limit`.
    ///
    /// Loses the oldest. Announces a gap in front of the oldest element that is left.
    case dropOldest

    /// What waits stays, and new elements are not taken until there is room again.
    ///
    /// Loses the newest. The producer sees the refusal; the consumer a gap after what it had waiting.
    case dropNewest

    /// Elements that a newer one of the same key has overtaken go first, one for each new element past the limit.
    ///
    /// Loses intermediate values: the newest of each key is kept as long as there are at most `limit` keys; with more,
    /// the oldest element of all goes. Announces a gap where an element is missing. For messages the key is the event.
    case latestPerKey

    /// A consumer past the limit is cut off as too slow; what it had waiting is still delivered.
    ///
    /// Loses everything from the overflowing element on. Announces a gap and then ends with a slow-consumer error.
    case disconnect

    /// Producers wait until there is room; the only policy by which a slow consumer can hold up others.
    ///
    /// Loses nothing, so it announces nothing: a producer that can't wait is refused and keeps its element.
    case suspend
}
