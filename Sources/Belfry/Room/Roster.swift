// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import DequeModule

/// The subscribers of one room in one wire format on one loop: cursors into the room's frame log.
///
/// Loop-confined. On the home loop it is told of growth directly, elsewhere once per turn.
final class Roster: FrameLogReader {
    let room: String
    let format: any WireFormat
    private let context: LoopContext
    /// The log, on its home loop; for giving chunks back.
    ///
    /// Taken away when the log goes.
    var log: FrameLog?
    private(set) var subscriptions: [Subscription] = []
    private var chunks: Deque<FrameChunk> = []
    var isDirty = false
    /// Whether it is looked after at the end of this turn.
    var isUsed = false
    /// What the room's home has announced; no limit at home itself.
    ///
    /// The log's memory shows more, early. But what the home did between two messages, as sending to one client alone,
    /// comes with its announcements, and must not be overtaken.
    private var announcedEnd: UInt64
    /// The last segment that was cut: subscribers who keep up all ask for the same one.
    private var cached: (from: UInt64, to: UInt64, batch: SendBatch)?

    /// Bytes of one send operation, so that one subscriber cannot pin the log for long.
    static let maxSendBytes = 256 * 1024

    init(room: String, format: any WireFormat, tail: FrameChunk, seen: UInt64? = nil, context: LoopContext) {
        announcedEnd = seen ?? .max
        self.room = room
        self.format = format
        self.context = context
        chunks.append(tail)
    }

    /// Whether the room is at home on this loop.
    var isAtHome: Bool { announcedEnd == .max }

    /// The offset behind the last frame.
    var endOffset: UInt64 { min(chunks.last?.endOffset ?? 0, announcedEnd) }

    var loopIndex: Int { context.index }

    /// The oldest offset still held.
    var firstOffset: UInt64 { chunks.first?.firstOffset ?? 0 }

    func add(_ subscription: Subscription, at start: UInt64) {
        subscription.cursor = max(start, firstOffset)
        subscription.rosterIndex = subscriptions.count
        subscriptions.append(subscription)
    }

    func remove(_ subscription: Subscription) {
        let index = subscription.rosterIndex
        guard index < subscriptions.count, subscriptions[index] === subscription else { return }
        let last = subscriptions.removeLast()
        if last !== subscription {
            subscriptions[index] = last
            last.rosterIndex = index
        }
        context.markUsed(self)
    }

    // MARK: Growth

    func logRolledOver(to chunk: FrameChunk) {
        cached = nil
        chunks.append(chunk)
        if chunks.count > 1 { trim() }
    }

    func logGrew(to end: UInt64) {
        see(end)
        context.markDirty(self)
    }

    /// On another loop than the room's home: the log reaches at least so far.
    func see(_ end: UInt64) {
        if announcedEnd != .max { announcedEnd = max(announcedEnd, end) }
    }

    /// Lists every subscriber that is behind with its connection; at the end of a turn.
    func listLagging() {
        isDirty = false
        context.markUsed(self)
        let end = endOffset
        for subscription in subscriptions where subscription.cursor < end { subscription.connection.list(subscription) }
    }

    /// Lets go of chunks that no cursor needs.
    func trim() {
        guard chunks.count > 1 else { return }
        var oldest = endOffset
        var dropped: FrameChunk?
        for subscription in subscriptions where subscription.cursor < oldest { oldest = subscription.cursor }
        while chunks.count > 1, let first = chunks.first, first.endOffset <= oldest {
            chunks.removeFirst()
            if cached?.batch.first.chunk === first { cached = nil }
            dropped = first
        }
        if var chunk = dropped.take() { log?.reclaim(&chunk) }
    }

    // MARK: Reading

    /// The frames from an offset on, as one send: bounded in bytes but never less than a frame.
    ///
    /// Nil when there is none. A batch without bytes stands for messages that the format can't say.
    ///
    /// - Parameter limit: An offset from which on frames are left out.
    func batch(from cursor: UInt64, to limit: UInt64 = .max) -> (batch: SendBatch?, to: UInt64)? {
        let end = min(endOffset, limit)
        if let cached, cached.from == cursor, cached.to == end { return (cached.batch, cached.to) }
        guard cursor < end else { return nil }
        context.markUsed(self)
        var segments: [Segment] = []
        var bytes = 0
        var offset = cursor
        for chunk in chunks where offset < end && offset < chunk.endOffset && bytes < Self.maxSendBytes {
            let first = Int(clamping: offset - min(offset, chunk.firstOffset))
            let start = chunk.start(ofFrame: first)
            let room = start + Self.maxSendBytes - bytes
            var last = min(chunk.frame(endingAtOrBelow: room, from: first), frameCount(of: chunk, to: end))
            if last == first {
                guard segments.isEmpty else { break }
                last = first + 1
            }
            let segment = Segment(chunk, start, chunk.start(ofFrame: last))
            offset = chunk.firstOffset + UInt64(last)
            bytes += segment.count
            if segment.count > 0 { segments.append(segment) }
        }
        guard let first = segments.first else { return (nil, offset) }
        let batch = SendBatch(first, rest: Array(segments.dropFirst()))
        cached = (cursor, offset, batch)
        return (batch, offset)
    }

    /// The frames of a chunk that lie before an offset.
    private func frameCount(of chunk: FrameChunk, to end: UInt64) -> Int {
        min(chunk.frameCount, Int(clamping: end - min(end, chunk.firstOffset)))
    }

    /// Forgets the cut segment, so that it holds no chunk beyond the turn.
    func endTurn() { cached = nil }

    /// The bytes between an offset and the end.
    func bytes(from cursor: UInt64) -> Int {
        var total = 0
        let end = endOffset
        for chunk in chunks where cursor < chunk.endOffset {
            let first = Int(clamping: cursor - min(cursor, chunk.firstOffset))
            let last = frameCount(of: chunk, to: end)
            if last > first { total += chunk.start(ofFrame: last) - chunk.start(ofFrame: first) }
        }
        return total
    }

    /// The oldest offset at or after `cursor` from which at most `bytes` bytes and `messages` messages follow.
    func offset(within bytes: Int, messages: Int, from cursor: UInt64) -> UInt64 {
        let end = endOffset
        var result = max(cursor, end - min(end, UInt64(messages)))
        var excess = self.bytes(from: result) - bytes
        for chunk in chunks where excess > 0 && result < chunk.endOffset {
            var index = Int(clamping: result - min(result, chunk.firstOffset))
            let last = frameCount(of: chunk, to: end)
            while excess > 0, index < last {
                excess -= chunk.start(ofFrame: index + 1) - chunk.start(ofFrame: index)
                index += 1
            }
            result = chunk.firstOffset + UInt64(index)
        }
        return result
    }

    /// One frame's key (its event), if the log keeps keys.
    func segment(of offset: UInt64) -> Segment? {
        guard offset < endOffset else { return nil }
        for chunk in chunks where offset >= chunk.firstOffset && offset < chunk.endOffset {
            let index = Int(clamping: offset - chunk.firstOffset)
            return Segment(chunk, chunk.start(ofFrame: index), chunk.start(ofFrame: index + 1))
        }
        return nil
    }

    /// The key of one frame; 0 where the log keeps none.
    func key(of offset: UInt64) -> UInt64 {
        for chunk in chunks where offset >= chunk.firstOffset && offset < chunk.endOffset {
            return chunk.key(ofFrame: Int(clamping: offset - chunk.firstOffset))
        }
        return 0
    }
}
