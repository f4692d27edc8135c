// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import DequeModule

/// How far a subscriber may fall behind, and what happens then.
public struct LagLimit: Sendable, Hashable {
    /// Messages a subscriber may be behind, at least 1.
    public var messages = 65_536
    /// Encoded bytes a subscriber may be behind; what the kernel has taken does not count.
    public var bytes = 8 * 1024 * 1024
    /// What happens to one who is further behind.
    public var policy = OverflowPolicy.dropOldest

    /// Makes a limit; the defaults are 65,536 messages, 8 MiB and `.dropOldest`.
    public init(messages: Int = 65_536, bytes: Int = 8 * 1024 * 1024, policy: OverflowPolicy = .dropOldest) {
        self.messages = max(1, messages)
        self.bytes = max(1, bytes)
        self.policy = policy
    }
}

/// One connection's place in one room: a cursor into the room's frame log.
///
/// Loop-confined.
final class Subscription {
    let connection: Connection
    let roster: Roster
    let limit: LagLimit
    /// The offset of the next frame to send; in-flight sends are already behind it.
    var cursor: UInt64 = 0
    var rosterIndex = 0
    /// Whether the connection has it on its list of rooms with something to send.
    var isListed = false
    /// Lost and not announced yet: told before the next frame.
    var gap: Range<UInt64>?
    /// What the subscriber missed before it came is not sent yet, and nothing else of the room is until then.
    var isPaused = false
    /// Frames kept by `.dropNewest` and `.latestPerKey` when the limit struck; sent before the cursor goes on.
    var kept: [(offset: UInt64, key: UInt64, segment: Segment)] = [] { didSet { updatePlain() } }
    /// `.dropNewest` only: nothing is taken until `kept` has been sent.
    var isFull = false
    /// `.suspend` only: publishers wait for this subscriber.
    var isBlocking = false
    /// What the subscriber published itself and does not want to hear, from the cursor on.
    private var own: Deque<Range<UInt64>> = [] { didSet { updatePlain() } }
    /// Nothing but the cursor says what comes next; asked for each message of one who speaks.
    private var isPlain = true

    private func updatePlain() { isPlain = own.isEmpty && kept.isEmpty }

    init(connection: Connection, roster: Roster, limit: LagLimit) {
        self.connection = connection
        self.roster = roster
        self.limit = limit
    }

    var isBehind: Bool { cursor < roster.endOffset || !kept.isEmpty }

    /// Whether it takes everything that the log has.
    var takesAll: Bool { own.isEmpty }

    /// Leaves messages out; before the log is known to have grown by them.
    func leaveOut(_ offsets: Range<UInt64>) {
        if offsets.lowerBound == cursor, isPlain, roster.isAtHome {
            // Who keeps up, as most who speak do, is past it at once.
            cursor = offsets.upperBound
            return
        }
        while let first = own.first, first.upperBound <= cursor { own.removeFirst() }
        if let last = own.last, last.upperBound == offsets.lowerBound {
            own[own.count - 1] = last.lowerBound..<offsets.upperBound
        } else {
            own.append(offsets)
        }
    }

    /// Moves the cursor past what is left out.
    ///
    /// - Parameter limit: The cursor goes no further.
    func skipOwn(to limit: UInt64 = .max) {
        while let first = own.first, first.lowerBound <= cursor {
            cursor = max(cursor, min(first.upperBound, limit))
            guard first.upperBound <= cursor else { return }
            own.removeFirst()
        }
    }

    /// The next frames, as one send; the cursor stays in front of them.
    ///
    /// As with ``Roster/batch(from:to:)``.
    @inline(__always)
    func batch(to limit: UInt64 = .max) -> (batch: SendBatch?, to: UInt64)? {
        if own.isEmpty { return roster.batch(from: cursor, to: limit) }
        skipOwn(to: limit)
        return roster.batch(from: cursor, to: min(limit, own.first?.lowerBound ?? .max))
    }

    /// Loses everything that waits; returns how many messages that were.
    func loseAll() -> Int {
        let end = roster.endOffset
        let count = kept.count + Int(clamping: end - min(end, cursor))
        _ = lose(min(kept.first?.offset ?? cursor, end)..<end)
        cursor = max(cursor, end)
        kept = []
        isFull = false
        return count
    }

    /// Counts a loss and remembers it for the announcement.
    func lose(_ range: Range<UInt64>) -> Int {
        guard !range.isEmpty else { return 0 }
        gap = gap.map { min($0.lowerBound, range.lowerBound)..<max($0.upperBound, range.upperBound) } ?? range
        return Int(clamping: range.count)
    }
}
