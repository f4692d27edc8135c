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
    /// `.disconnect` only: the loss behind what is held was announced.
    private var isCutOff = false
    /// It began in the past, and has not come within its limit of the newest yet: until then nothing is lost to the limit.
    var isCatchingUp = false
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
        if failure != nil, !isCutOff {
            isCutOff = true
            lose(to: log.nextOffset, lost)
        }
        if held.isEmpty { applyLimit(log, adding: 0, lost) }
        if !held.isEmpty {
            let taken = Array(held.prefix(count))
            held.removeFirst(taken.count)
            return taken
        }
        guard failure == nil else { return [] }
        let messages = log.messages(from: cursor, count: count)
        cursor += UInt64(messages.count)
        return messages.map { .message($0) }
    }

    /// Takes messages of the past, with every hole between them told.
    func takeOld(_ messages: [Message]) -> [Delivery] {
        var deliveries: [Delivery] = []
        deliveries.reserveCapacity(messages.count)
        for message in messages where message.offset >= cursor {
            if message.offset > cursor { deliveries.append(.gap(from: cursor, to: message.offset)) }
            deliveries.append(.message(message))
            cursor = message.offset + 1
        }
        return deliveries
    }

    /// The messages between it and the newest.
    func backlog(_ log: EntryLog) -> Int {
        Int(clamping: log.nextOffset - min(log.nextOffset, cursor)) + held.count
    }

    /// Before the ring drops what lies before `offset`: a policy that keeps old ones sets its window aside.
    func ringWillDrop(before offset: UInt64, _ log: EntryLog, lost: (Int) -> Void) {
        guard cursor < offset, failure == nil, !isCatchingUp else { return }
        switch policy {
        case .dropOldest:
            break
        case .suspend:
            // Publishers wait, but what a client had sent before it was held back still comes: nothing is lost.
            for message in log.messages(from: cursor, count: Int(clamping: offset - cursor)) {
                held.append(.message(message))
                cursor = message.offset + 1
            }
        case .dropNewest, .latestPerKey, .disconnect:
            if held.isEmpty { applyLimit(log, adding: 1, lost) }
        }
    }

    private func applyLimit(_ log: EntryLog, adding: UInt64, _ lost: (Int) -> Void) {
        guard failure == nil else { return }
        if cursor < log.firstOffset { lose(to: log.firstOffset, lost) }
        let backlog = log.nextOffset - min(log.nextOffset, cursor) + adding
        guard backlog > UInt64(limit) || adding > 0 || exceedsBytes(log) else { return }
        switch policy {
        case .dropOldest:
            lose(to: newestWithinLimit(log), lost)
        case .suspend:
            // Publishers wait: what is beyond the limit is what clients had sent before they were held back.
            break
        case .dropNewest:
            holdOldest(log)
            lose(to: log.nextOffset, lost)
        case .latestPerKey:
            holdLatest(log, lost)
        case .disconnect:
            holdOldest(log)
            lose(to: log.nextOffset, lost)
            failure = BelfryError(
                .slowConsumer,
                "the subscription fell more than \(limit) messages or \(maxBytes) bytes behind"
            )
        }
    }

    private func exceedsBytes(_ log: EntryLog) -> Bool {
        guard log.bytes > maxBytes else { return false }
        return log.messages(from: cursor, count: .max / 2).reduce(0) { $0 + $1.byteCount } > maxBytes
    }

    private func newestWithinLimit(_ log: EntryLog) -> UInt64 {
        var target = max(cursor, log.nextOffset - min(log.nextOffset, UInt64(limit)))
        let window = log.messages(from: target, count: limit)
        var bytes = window.reduce(0) { $0 + $1.byteCount }
        // The newest goes out in any case, or one message above the limit would never come.
        for message in window.dropLast() where bytes > maxBytes {
            bytes -= message.byteCount
            target = message.offset + 1
        }
        return target
    }

    private func lose(to offset: UInt64, _ lost: (Int) -> Void) {
        guard offset > cursor else { return }
        lost(Int(clamping: offset - cursor))
        announce(cursor..<offset)
        cursor = offset
    }

    /// A loss right behind another is told as one.
    private func announce(_ gap: Range<UInt64>) {
        if case .gap(let from, gap.lowerBound)? = held.last {
            held[held.count - 1] = .gap(from: from, to: gap.upperBound)
        } else {
            held.append(.gap(from: gap.lowerBound, to: gap.upperBound))
        }
    }

    private func holdOldest(_ log: EntryLog) {
        var bytes = 0
        for message in log.messages(from: cursor, count: limit) {
            bytes += message.byteCount
            guard bytes <= maxBytes || bytes == message.byteCount else { return }
            held.append(.message(message))
            cursor = message.offset + 1
        }
    }

    /// Keeps the newest message of each event; a gap stands wherever one is missing.
    private func holdLatest(_ log: EntryLog, _ lost: (Int) -> Void) {
        var seen: Set<String> = []
        var newest: [Message] = []
        var bytes = 0
        for message in log.messages(from: cursor, count: .max / 2).reversed() where seen.insert(message.event).inserted
        {
            bytes += message.byteCount
            guard newest.count < limit, bytes <= maxBytes || newest.isEmpty else { break }
            newest.append(message)
        }
        for message in newest.reversed() {
            lose(to: message.offset, lost)
            held.append(.message(message))
            cursor = message.offset + 1
        }
        lose(to: log.nextOffset, lost)
    }
}
