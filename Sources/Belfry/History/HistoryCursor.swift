// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A place in a room's history, and the side of it that is asked for.
public enum HistoryCursor: Sendable, Hashable {
    /// The newest messages.
    case newest
    /// The oldest messages that can be had.
    case oldest
    /// The messages right before an offset.
    case before(UInt64)
    /// The messages right after an offset.
    case after(UInt64)
    /// The first messages from a time on, in nanoseconds since 1970-01-01 UTC.
    case since(Int64)
    /// The last messages before a time, in nanoseconds since 1970-01-01 UTC.
    case until(Int64)

    /// Whether the page ends at the cursor rather than begins there.
    public var isBackwards: Bool {
        switch self {
        case .newest, .before, .until: true
        case .oldest, .after, .since: false
        }
    }
}

/// Some messages of a room's history, oldest first.
public struct HistoryPage: Sendable, Hashable {
    /// The messages; an offset that is missing between two of them was lost.
    public let messages: [Message]
    /// For the page before; nil when there is none.
    public let older: HistoryCursor?
    /// For the page behind; nil when there is none yet.
    public let newer: HistoryCursor?
}

/// When publishing counts as done.
public enum Durability: Sendable, Hashable {
    /// Once the message has its place in the room's order; it is stored a moment later, if the broker has a store.
    case ordered
    /// Once the message is stored, so that it is still there after a crash.
    case stored
}
