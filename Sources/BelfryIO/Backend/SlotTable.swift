// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Slots with generations: dense, reused, and safe against events that come late.
///
/// The backend keeps what it knows of a socket in an `Entry`. A slot is reused only after `free`, under a new generation.
struct SlotTable<Entry> {
    private var entries: [Entry?] = []
    private var generations: [UInt32] = []
    private var vacant: [UInt32] = []
    private(set) var count = 0

    /// Slots that ever were in use; indices below it are valid for `subscript(slot:)`.
    var capacity: Int { entries.count }

    mutating func insert(_ entry: Entry) -> IOHandle {
        count += 1
        if let slot = vacant.popLast() {
            entries[Int(slot)] = entry
            return IOHandle(slot: slot, generation: generations[Int(slot)])
        }
        entries.append(entry)
        generations.append(1)
        return IOHandle(slot: UInt32(entries.count - 1), generation: 1)
    }

    /// The slot of a handle that still names a living entry.
    func index(of handle: IOHandle) -> Int? {
        let slot = Int(handle.slot)
        guard slot < entries.count, generations[slot] == handle.generation, entries[slot] != nil else { return nil }
        return slot
    }

    func contains(_ handle: IOHandle) -> Bool { index(of: handle) != nil }

    /// The handle of the living entry in a slot.
    func handle(at slot: Int) -> IOHandle? {
        guard slot < entries.count, entries[slot] != nil else { return nil }
        return IOHandle(slot: UInt32(slot), generation: generations[slot])
    }

    subscript(slot: Int) -> Entry? {
        get { entries[slot] }
        _modify { yield &entries[slot] }
    }

    mutating func free(_ slot: Int) {
        guard entries[slot] != nil else { return }
        entries[slot] = nil
        generations[slot] &+= 1
        vacant.append(UInt32(slot))
        count -= 1
    }
}
