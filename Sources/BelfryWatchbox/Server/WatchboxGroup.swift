// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import DequeModule
import Synchronization

/// A group at its home: the newest messages of the broker's room of that name, and each member's place among them.
///
/// Loop-confined to the room's home. A member is a cursor, as long as it does nothing it costs nothing.
final class WatchboxGroup {
    /// A message, written once for all.
    struct Entry {
        let json: [UInt8]
        /// The client that said it; nil for the process and other protocols.
        let sender: ClientID?
        /// When it came, by the loop's clock.
        let time: Int64
        /// Where it stands in the room.
        let offset: UInt64
    }

    /// What members may have.
    struct Window {
        let limit: Int
        /// What came before is dropped unseen.
        let oldest: Int64
        let includesOwn: Bool
    }

    let name: String
    /// Keeps the room, so that others can say something in it.
    let room: Room
    private var entries: Deque<Entry> = []
    private var bytes = 0
    /// The offset of the oldest message held.
    private var first: UInt64 = 0
    /// What lies before was dropped because there was too much.
    private var overflowed: UInt64 = 0
    /// Each member's cursor: the offset of the next message to look at.
    private var members: [ClientID: UInt64] = [:]
    /// What members missed before they came back: it goes first.
    private var replays: [ClientID: Deque<Entry>] = [:]
    /// Keeps what is said for who may come back.
    var keeper: SessionID?
    /// Requests that wait for a message.
    var waiters: Set<WatchboxClients.Waiter> = []
    /// Whether they will be told in this turn.
    var isTelling = false

    private weak let shared: WatchboxShared?

    init(name: String, room: Room, shared: WatchboxShared?) {
        self.name = name
        self.room = room
        self.shared = shared
    }

    deinit { shared?.groupBytes.subtract(bytes, ordering: .relaxed) }

    private var end: UInt64 { first + UInt64(entries.count) }

    var isEmpty: Bool { members.isEmpty }

    // MARK: Members

    func contains(_ id: ClientID) -> Bool { members[id] != nil }

    /// Adds a member, from the next message on; false when it is one.
    func add(_ id: ClientID) -> Bool {
        guard members[id] == nil else { return false }
        members[id] = end
        return true
    }

    func remove(_ id: ClientID) {
        members[id] = nil
        replays[id] = nil
    }

    /// Puts what a member missed before everything else.
    func replay(_ messages: [Entry], to id: ClientID) {
        guard members[id] != nil, !messages.isEmpty else { return }
        replays[id] = Deque(messages)
    }

    // MARK: Messages

    /// Appends a message; the oldest go beyond the bounds.
    ///
    /// - Parameter maxBytes: The bound of this group; looked at again after each that went.
    func append(
        _ json: [UInt8],
        from sender: ClientID?,
        at offset: UInt64,
        now: Int64,
        limit: Int,
        maxBytes: () -> Int
    ) {
        entries.append(Entry(json: json, sender: sender, time: now, offset: offset))
        count(Self.size(json))
        let (most, overflow) = max(1, limit).multipliedReportingOverflow(by: 4)
        while !overflow && entries.count > most || bytes > maxBytes() && entries.count > 1 {
            removeFirst()
            overflowed = first
        }
    }

    private func removeFirst() {
        guard let entry = entries.popFirst() else { return }
        count(-Self.size(entry.json))
        first += 1
    }

    private func count(_ change: Int) {
        bytes += change
        shared?.groupBytes.add(change, ordering: .relaxed)
    }

    /// What a message counts: its bytes and what it takes to keep them.
    private static func size(_ json: [UInt8]) -> Int { json.count + 96 }

    /// Drops what is too old, and what everybody has had.
    func sweep(oldest: Int64) {
        guard !entries.isEmpty else { return }
        while let entry = entries.first, entry.time < oldest { removeFirst() }
        let wanted = members.values.min() ?? end
        while first < wanted, !entries.isEmpty { removeFirst() }
    }

    /// The next message of a member, if there is one; nil also for who is no member.
    ///
    /// - Parameter lost: Is told how many it missed because there were too many.
    func next(for id: ClientID, _ window: Window, lost: (Int) -> Void) -> Entry? {
        if !replays.isEmpty, let entry = replays[id]?.popFirst() {
            if replays[id]?.isEmpty == true { replays[id] = nil }
            return entry
        }
        guard let place = members.index(forKey: id) else { return nil }
        var cursor = members.values[place]
        guard cursor < end else { return nil }
        defer { members.values[place] = cursor }
        if cursor < overflowed { lost(Int(clamping: overflowed - cursor)) }
        cursor = max(cursor, first)
        while cursor < end, self[cursor].time < window.oldest { cursor += 1 }
        if end - cursor > UInt64(max(1, window.limit)) { applyLimit(id, window, &cursor, lost) }
        while cursor < end {
            let entry = self[cursor]
            cursor += 1
            if window.includesOwn || entry.sender != id { return entry }
        }
        return nil
    }

    /// Moves a cursor so that no more than the limit's messages follow.
    private func applyLimit(_ id: ClientID, _ window: Window, _ cursor: inout UInt64, _ lost: (Int) -> Void) {
        var waiting = 0
        for offset in cursor..<end where window.includesOwn || self[offset].sender != id { waiting += 1 }
        let excess = waiting - max(1, window.limit)
        guard excess > 0 else { return }
        var skipped = 0
        while skipped < excess, cursor < end {
            if window.includesOwn || self[cursor].sender != id { skipped += 1 }
            cursor += 1
        }
        lost(skipped)
    }

    private subscript(offset: UInt64) -> Entry { entries[Int(clamping: offset - first)] }
}
