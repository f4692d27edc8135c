// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import DequeModule

/// Where a new subscription begins.
public enum StartPosition: Sendable, Hashable {
    /// With the next message.
    case latest
    /// With the oldest message that is retained.
    case oldest
    /// Behind a message that was seen already; ``Room/resume(after:limit:maxBytes:onOverflow:)`` says whether all that
    /// came since is there.
    case after(RoomPosition)
}

/// A subscriber in this process: a cursor over the room's entries.
///
/// Lives on the room's home loop.
///
/// Its limit is looked at when it fetches: in between, the state is only its cursor, however much is published.
final class RoomConsumer {
    let limit: Int
    let maxBytes: Int
    let policy: OverflowPolicy
    var cursor: UInt64
    /// Messages set aside by a policy that keeps old ones, before the ring lets go of them.
    var held: Deque<Delivery> = []
    /// Set when the consumer is at its end.
    var failure: BelfryError?
    var isFinished = false
    /// Woken when there is something to fetch.
    let parker = Parker<Void>()
    var isWaiting = false

    init(cursor: UInt64, limit: Int, maxBytes: Int, policy: OverflowPolicy) {
        self.cursor = cursor
        self.limit = max(1, limit)
        self.maxBytes = max(1, maxBytes)
        self.policy = policy
    }

    /// What is there now, at most `count`, after the policy was applied to a backlog beyond the limit.
    func take(_ count: Int, from log: EntryLog, lost: (Int) -> Void) -> [Delivery] {
        if held.isEmpty { applyLimit(log, lost) }
        if !held.isEmpty {
            let taken = Array(held.prefix(count))
            held.removeFirst(taken.count)
            return taken
        }
        let messages = log.messages(from: cursor, count: count)
        cursor += UInt64(messages.count)
        return messages.map { .message($0) }
    }

    /// Whether a fetch would bring something, or the end.
    func isReady(_ log: EntryLog) -> Bool {
        isFinished || failure != nil || !held.isEmpty || cursor < log.nextOffset
    }

    private func applyLimit(_ log: EntryLog, _ lost: (Int) -> Void) {
        if cursor < log.firstOffset { lose(to: log.firstOffset, lost) }
        let backlog = log.nextOffset - min(log.nextOffset, cursor)
        guard backlog > UInt64(limit) || exceedsBytes(log) else { return }
        switch policy {
        case .dropOldest, .suspend:
            // Publishers wait for `.suspend`, so its backlog is beyond the limit only by what came from the network.
            if policy == .dropOldest { lose(to: newestWithinLimit(log), lost) }
        case .dropNewest:
            holdOldest(log)
            lose(to: log.nextOffset, lost)
        case .latestPerKey:
            holdLatest(log, lost)
        case .disconnect:
            failure = BelfryError(.slowConsumer, "the subscription fell more than \(limit) messages behind")
            lost(Int(clamping: backlog))
            cursor = log.nextOffset
        }
    }

    private func exceedsBytes(_ log: EntryLog) -> Bool {
        guard log.bytes > maxBytes else { return false }
        return log.messages(from: cursor, count: .max / 2).reduce(0) { $0 + $1.byteCount } > maxBytes
    }

    private func newestWithinLimit(_ log: EntryLog) -> UInt64 {
        var target = max(cursor, log.nextOffset - min(log.nextOffset, UInt64(limit)))
        var bytes = log.messages(from: target, count: limit).reduce(0) { $0 + $1.byteCount }
        for message in log.messages(from: target, count: limit) where bytes > maxBytes {
            bytes -= message.byteCount
            target += 1
        }
        return target
    }

    private func lose(to offset: UInt64, _ lost: (Int) -> Void) {
        guard offset > cursor else { return }
        lost(Int(clamping: offset - cursor))
        held.append(.gap(from: cursor, to: offset))
        cursor = offset
    }

    private func holdOldest(_ log: EntryLog) {
        var bytes = 0
        for message in log.messages(from: cursor, count: limit) {
            bytes += message.byteCount
            guard bytes <= maxBytes else { return }
            held.append(.message(message))
            cursor = message.offset + 1
        }
    }

    private func holdLatest(_ log: EntryLog, _ lost: (Int) -> Void) {
        var seen: Set<String> = []
        var newest: [Message] = []
        var bytes = 0
        for message in log.messages(from: cursor, count: .max / 2).reversed() where seen.insert(message.event).inserted
        {
            bytes += message.byteCount
            guard newest.count < limit, bytes <= maxBytes else { break }
            newest.append(message)
        }
        let from = cursor
        let kept = UInt64(newest.count)
        lost(Int(clamping: log.nextOffset - from - kept))
        held.append(.gap(from: from, to: log.nextOffset))
        held.append(contentsOf: newest.reversed().map { .message($0) })
        cursor = log.nextOffset
    }

    /// Before the ring drops its oldest message: a policy that keeps old ones sets its window aside.
    func ringWillDrop(_ log: EntryLog, lost: (Int) -> Void) {
        guard cursor <= log.firstOffset, held.isEmpty, policy != .dropOldest else { return }
        applyLimit(log, lost)
    }
}
