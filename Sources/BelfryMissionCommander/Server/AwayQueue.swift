// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// Frames that wait for a client that is away: bounded in number and bytes, the oldest go first and are counted.
///
/// Pure value. Messages of the room are not in here: the client has a cursor into what is kept of the room, and each
/// frame here stands before one of its offsets.
struct AwayQueue {
    private struct Item {
        /// The room's message that it comes before.
        let offset: UInt64
        let frame: [UInt8]
    }

    private let maxMessages: Int
    private let maxBytes: Int
    private var items: [Item] = []
    /// Items before it are gone; cleared away in bulk.
    private var head = 0
    private var bytes = 0
    /// Frames that had to go.
    private(set) var lost = 0

    init(maxMessages: Int, maxBytes: Int) {
        self.maxMessages = max(0, maxMessages)
        self.maxBytes = max(0, maxBytes)
    }

    var count: Int { items.count - head }

    /// Adds a frame behind the others.
    mutating func append(_ frame: [UInt8], before offset: UInt64) {
        items.append(Item(offset: offset, frame: frame))
        bytes += frame.count
        while count > 0, count > maxMessages || bytes > maxBytes {
            bytes -= items[head].frame.count
            head += 1
            lost += 1
        }
        if head > 64, head * 2 > items.count {
            items.removeFirst(head)
            head = 0
        }
    }

    /// Puts what a broken link left, frame behind frame, before everything else.
    mutating func prepend(stream: [UInt8], before offset: UInt64) {
        var queue = AwayQueue(maxMessages: maxMessages, maxBytes: maxBytes)
        queue.lost = lost
        let span = stream.span
        var start = 0
        while start + FrameHeader.byteCount <= stream.count {
            let head = span.extracting(start..<(start + FrameHeader.byteCount))
            // Our own writing, so it can be read.
            guard let header = try? FrameHeader.parse(head, maxBodyBytes: .max) else { break }
            let end = min(stream.count, start + FrameHeader.byteCount + header.length)
            queue.append([UInt8](bytes: span.extracting(start..<end)), before: offset)
            start = end
        }
        for item in items[head...] { queue.append(item.frame, before: item.offset) }
        self = queue
    }

    /// Everything that waits, in order, with the messages of the room that `broadcasts` calls out between them; as many
    /// of the newest as the bounds allow, behind an announcement of what is missing.
    ///
    /// - Parameter missing: messages of the room that are not kept any more.
    /// - Returns: The frames, one behind the other, and how many were lost in all.
    func replay(
        missing: Int,
        _ broadcasts: (_ body: (UInt64, Span<UInt8>) -> Void) -> Void
    ) -> (stream: [UInt8], lost: Int) {
        var all = AwayQueue(maxMessages: maxMessages, maxBytes: maxBytes)
        var next = head
        broadcasts { offset, frame in
            while next < items.count, items[next].offset <= offset {
                all.append(items[next].frame, before: 0)
                next += 1
            }
            all.append([UInt8](bytes: frame), before: 0)
        }
        for item in items[next...] { all.append(item.frame, before: 0) }
        let lost = self.lost + all.lost + missing
        var stream = lost > 0 ? MissionCommanderFormat.lost(lost) : []
        stream.reserveCapacity(stream.count + all.bytes)
        for item in all.items[all.head...] { stream.append(contentsOf: item.frame) }
        return (stream, lost)
    }
}
