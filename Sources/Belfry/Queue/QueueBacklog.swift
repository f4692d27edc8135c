// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

internal import DequeModule

/// A key of ``OverflowPolicy/latestPerKey``: equal to another if type and value are.
///
/// A class, so that an entry without key (the usual case) stays small and cheap to move.
final class QueueKey: Hashable, Sendable {
    private let base: any Hashable & Sendable

    init(_ base: any Hashable & Sendable) {
        self.base = base
    }

    static func == (left: QueueKey, right: QueueKey) -> Bool {
        AnyHashable(left.base) == AnyHashable(right.base)
    }

    func hash(into hasher: inout Hasher) {
        base.hash(into: &hasher)
    }
}

/// An element in or before a queue, with what the queue must know of it.
struct QueueEntry<Value: Sendable>: Sendable {
    let value: Value
    /// Never negative.
    var bytes = 0
    var key: QueueKey?
    /// The time from which the element is no longer delivered, since the queue was made.
    ///
    /// Not an instant: that type's layout is known only at run time, which makes every copy of an entry slow.
    var expiry: Duration?
}

/// The waiting elements of a queue in order of their offsets; knows how to remove, but not when.
///
/// With keys, an element can leave from the middle. It leaves an empty slot behind, so that the others keep their
/// place; slots are cleared away in bulk, which makes every operation O(1) on average (a removal from the middle
/// O(log n)) and keeps memory in proportion to what waits.
struct QueueBacklog<Value: Sendable>: ~Copyable {
    private struct Slot {
        let offset: UInt64
        var entry: QueueEntry<Value>?
    }

    /// The first slot is never empty.
    private var slots = Deque<Slot>()
    private(set) var count = 0
    private(set) var bytes = 0
    /// The newest waiting element of each key.
    private var newest: [QueueKey: UInt64] = [:]
    /// Elements with a newer one of the same key, in the order they were overtaken; some may have left since.
    private var overtaken = Deque<UInt64>()

    /// Offset and expiry of the oldest element.
    var first: (offset: UInt64, expiry: Duration?)? {
        slots.first.map { ($0.offset, $0.entry?.expiry) }
    }

    /// Places in memory, occupied or not.
    var slotCount: Int { slots.count + overtaken.count }

    /// Whether `more` bytes can be added and still be counted.
    func canCount(_ more: Int) -> Bool {
        !bytes.addingReportingOverflow(more).overflow
    }

    /// Adds an element behind the others; `offset` is above theirs and `canCount` has said yes.
    mutating func append(_ entry: QueueEntry<Value>, at offset: UInt64) {
        slots.append(Slot(offset: offset, entry: entry))
        count += 1
        bytes += entry.bytes
        if let key = entry.key, let older = newest.updateValue(offset, forKey: key) {
            overtaken.append(older)
            if overtaken.count > 2 * count + 16 { forgetDeparted() }
        }
    }

    /// Removes the oldest element.
    mutating func popFirst() -> (offset: UInt64, entry: QueueEntry<Value>)? {
        guard let slot = slots.popFirst(), let entry = slot.entry else { return nil }
        account(for: entry, at: slot.offset)
        trim()
        return (slot.offset, entry)
    }

    /// Removes one element that has a newer one of its key.
    mutating func popOvertaken() -> QueueEntry<Value>? {
        while let offset = overtaken.popFirst() {
            guard let index = index(of: offset), let entry = slots[index].entry.take() else { continue }
            account(for: entry, at: offset)
            trim()
            if slots.count > 2 * count + 16 { slots.removeAll { $0.entry == nil } }
            return entry
        }
        return nil
    }

    private mutating func account(for entry: QueueEntry<Value>, at offset: UInt64) {
        count -= 1
        bytes -= entry.bytes
        if let key = entry.key, newest[key] == offset { newest[key] = nil }
    }

    private mutating func trim() {
        while let slot = slots.first, slot.entry == nil { slots.removeFirst() }
    }

    private mutating func forgetDeparted() {
        var kept = Deque<UInt64>(minimumCapacity: count)
        for offset in overtaken where index(of: offset) != nil { kept.append(offset) }
        overtaken = kept
    }

    /// Where the element with this offset waits, by binary search.
    private func index(of offset: UInt64) -> Int? {
        var low = 0
        var high = slots.count
        while low < high {
            let middle = (low + high) / 2
            if slots[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        guard low < slots.count, slots[low].offset == offset, slots[low].entry != nil else { return nil }
        return low
    }
}
