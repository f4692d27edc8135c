// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What became of an element that was given to a queue without waiting.
public enum QueueAdmission: Sendable, Hashable {
    /// It is queued and nothing was lost.
    case accepted
    /// It is queued, and this many older elements (at least one) were dropped for it.
    case acceptedDropping(Int)
    /// It is not queued.
    case refused(QueueRefusal)
}

/// Why a queue did not take an element.
public enum QueueRefusal: Sendable, Hashable {
    /// The queue is closed or has failed.
    case closed
    /// There is no room, and the policy is ``OverflowPolicy/dropNewest`` or ``OverflowPolicy/suspend``.
    case full
    /// The element alone is bigger than the queue's byte limit.
    case tooLarge
    /// There is no room, and the policy ``OverflowPolicy/disconnect`` has just ended the queue.
    case slowConsumer
}
