// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

extension Subscription {
    /// What the connection has to do after the limit was looked at.
    enum Verdict {
        case fine
        case lost(Int)
        case disconnect
        case block
    }

    /// Applies the policy if the subscriber is further behind than its limit.
    ///
    /// Called when its connection is busy.
    func enforceLimit() -> Verdict {
        let end = roster.endOffset
        if isFull {
            // The oldest are kept; whatever comes until they have been sent is lost.
            defer { cursor = max(cursor, end) }
            return .lost(lose(min(cursor, end)..<end))
        }
        guard end - min(end, cursor) + UInt64(kept.count) > UInt64(limit.messages) || exceedsBytes else {
            return .fine
        }
        switch limit.policy {
        case .dropOldest:
            let target = roster.offset(within: limit.bytes, messages: limit.messages, from: cursor)
            defer { cursor = target }
            return .lost(lose(cursor..<target))
        case .dropNewest:
            keepOldest()
            isFull = true
            defer { cursor = max(cursor, end) }
            return .lost(lose(min(cursor, end)..<end))
        case .latestPerKey:
            return .lost(keepLatestPerKey())
        case .disconnect:
            return .disconnect
        case .suspend:
            return .block
        }
    }

    private var exceedsBytes: Bool {
        // A cheap bound first: the sum over chunks is only needed when there is more than one send's worth.
        roster.bytes(from: cursor) + kept.reduce(0) { $0 + $1.segment.count } > limit.bytes
    }

    /// Moves the frames that are within the limit to `kept` and the cursor behind them.
    private func keepOldest() {
        var bytes = 0
        skipOwn()
        while kept.count < limit.messages, let segment = roster.segment(of: cursor) {
            bytes += segment.count
            guard bytes <= limit.bytes else { return }
            kept.append((cursor, 0, segment))
            cursor += 1
            skipOwn()
        }
    }

    /// Replaces the backlog by the newest frame of each key; returns how many frames were lost.
    private func keepLatestPerKey() -> Int {
        let end = roster.endOffset
        var backlog = kept
        skipOwn()
        while cursor < end {
            if let segment = roster.segment(of: cursor) { backlog.append((cursor, roster.key(of: cursor), segment)) }
            cursor += 1
            skipOwn()
        }
        var seen: Set<UInt64> = []
        var bytes = 0
        var newest: [(offset: UInt64, key: UInt64, segment: Segment)] = []
        for frame in backlog.reversed() where seen.insert(frame.key).inserted {
            bytes += frame.segment.count
            guard newest.count < limit.messages, bytes <= limit.bytes else { break }
            newest.append(frame)
        }
        newest.reverse()
        let lost = backlog.count - newest.count
        if lost > 0, let first = backlog.first {
            // The span that was thinned out; frames inside it that were kept follow the announcement.
            _ = lose(first.offset..<end)
        }
        kept = newest
        return lost
    }
}
