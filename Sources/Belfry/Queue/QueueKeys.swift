// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

internal import DequeModule

/// A key of ``OverflowPolicy/latestPerKey``: equal to another if type and value are.
///
/// A class, so that an entry without key (the usual case) stays small and cheap to move.
@usableFromInline
final class QueueKey: Hashable, Sendable {
    /// Of a queue without keys: all its elements are values of one thing.
    @usableFromInline static let only = QueueKey(0)

    private let base: any Hashable & Sendable

    @usableFromInline
    init(_ base: any Hashable & Sendable) {
        self.base = base
    }

    @usableFromInline
    static func == (left: QueueKey, right: QueueKey) -> Bool {
        AnyHashable(left.base) == AnyHashable(right.base)
    }

    @usableFromInline
    func hash(into hasher: inout Hasher) {
        base.hash(into: &hasher)
    }
}

/// What a backlog knows of its elements' keys.
///
/// Knows nothing of the elements themselves, so that its code is the same for all queues.
@usableFromInline
struct QueueKeys: Sendable {
    /// The newest waiting element of each key.
    private var newest: [QueueKey: UInt64] = [:]
    /// Elements with a newer one of the same key, in the order they were overtaken; some may have left since.
    private var overtaken = Deque<UInt64>()

    @usableFromInline init() {}

    /// Places in memory that overtaken elements take, those that have left included.
    @usableFromInline var overtakenCount: Int { overtaken.count }

    /// Notes an element that is newer than all others.
    @usableFromInline
    mutating func add(_ key: QueueKey, at offset: UInt64) {
        if let older = newest.updateValue(offset, forKey: key) { overtaken.append(older) }
    }

    /// Forgets an element that has left.
    @usableFromInline
    mutating func remove(_ key: QueueKey, at offset: UInt64) {
        if newest[key] == offset { newest[key] = nil }
    }

    /// The offset of the element that was overtaken first, which may have left.
    @usableFromInline
    mutating func popOvertaken() -> UInt64? {
        overtaken.popFirst()
    }

    /// Gives the memory back of overtaken elements that have left.
    @usableFromInline
    mutating func forgetOvertaken(unless isWaiting: (UInt64) -> Bool) {
        overtaken = Deque(overtaken.filter(isWaiting))
    }
}
