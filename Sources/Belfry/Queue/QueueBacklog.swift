// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import DequeModule

/// An element in or before a queue, with what the queue must know of it.
@usableFromInline
struct QueueEntry<Value: Sendable>: Sendable {
    @usableFromInline let value: Value
    /// Never negative.
    @usableFromInline var bytes: Int
    @usableFromInline var key: QueueKey?
    /// The time from which the element is no longer delivered, since the queue was made.
    ///
    /// Not an instant: that type's layout is known only at run time, which makes every copy of an entry slow.
    @usableFromInline var expiry: Duration?

    @inlinable
    init(value: Value, bytes: Int = 0, key: QueueKey? = nil, expiry: Duration? = nil) {
        self.value = value
        self.bytes = bytes
        self.key = key
        self.expiry = expiry
    }
}

/// The waiting elements of a queue in order of their offsets; knows how to remove, but not when.
///
/// With keys, an element can leave from the middle. It leaves an empty slot behind, so that the others keep their
/// place; slots are cleared away in bulk, which makes every operation O(1) on average (a removal from the middle
/// O(log n)) and keeps memory in proportion to what waits.
@usableFromInline
struct QueueBacklog<Value: Sendable>: ~Copyable {
    @usableFromInline
    struct Slot {
        @usableFromInline let offset: UInt64
        @usableFromInline var entry: QueueEntry<Value>?

        @inlinable
        init(offset: UInt64, entry: QueueEntry<Value>) {
            self.offset = offset
            self.entry = entry
        }
    }

    /// The first slot is never empty.
    @usableFromInline var slots = Deque<Slot>()
    @usableFromInline var keys = QueueKeys()
    /// Elements that wait.
    @usableFromInline var count = 0
    /// Their bytes.
    @usableFromInline var bytes = 0

    init() {}

    /// Offset of the oldest element.
    @inlinable var firstOffset: UInt64? { slots.isEmpty ? nil : slots[0].offset }

    /// When the oldest element is no longer delivered.
    @inlinable var firstExpiry: Duration? { slots.isEmpty ? nil : slots[0].entry?.expiry }

    /// Places in memory, occupied or not.
    var slotCount: Int { slots.count + keys.overtakenCount }

    /// Whether `more` bytes can be added and still be counted.
    @inlinable
    func canCount(_ more: Int) -> Bool {
        !bytes.addingReportingOverflow(more).overflow
    }

    /// Adds an element behind the others; `offset` is above theirs and `canCount` has said yes.
    @inlinable
    mutating func append(_ entry: QueueEntry<Value>, at offset: UInt64) {
        slots.append(Slot(offset: offset, entry: entry))
        count += 1
        bytes += entry.bytes
        if let key = entry.key { add(key, at: offset) }
    }

    /// Removes the oldest element.
    @inlinable
    mutating func popFirst() -> (offset: UInt64, entry: QueueEntry<Value>)? {
        guard let slot = slots.popFirst(), let entry = slot.entry else { return nil }
        account(for: entry, at: slot.offset)
        trim()
        return (slot.offset, entry)
    }

    /// Removes one element that has a newer one of its key.
    @inlinable
    mutating func popOvertaken() -> QueueEntry<Value>? {
        while let offset = keys.popOvertaken() {
            guard let index = index(of: offset), let entry = slots[index].entry.take() else { continue }
            account(for: entry, at: offset)
            trim()
            if slots.count > 2 * count + 16 { slots.removeAll { $0.entry == nil } }
            return entry
        }
        return nil
    }

    @inlinable
    mutating func account(for entry: QueueEntry<Value>, at offset: UInt64) {
        count -= 1
        bytes -= entry.bytes
        if let key = entry.key { keys.remove(key, at: offset) }
    }

    @inlinable
    mutating func trim() {
        while !slots.isEmpty, slots[0].entry == nil { slots.removeFirst() }
    }

    @inlinable
    mutating func add(_ key: QueueKey, at offset: UInt64) {
        keys.add(key, at: offset)
        guard keys.overtakenCount > 2 * count + 16 else { return }
        var keys = QueueKeys()
        swap(&keys, &self.keys)
        keys.forgetOvertaken { index(of: $0) != nil }
        self.keys = keys
    }

    /// Where the element with this offset waits, by binary search.
    @inlinable
    func index(of offset: UInt64) -> Int? {
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
