// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// A frame for one client, with the message of the room that it comes before.
struct DirectFrame: Sendable {
    let offset: UInt64
    let frame: [UInt8]
}

/// Frames that wait for a client that is away: bounded in number and bytes, the oldest go first and are counted.
///
/// Pure value. Messages of the room are not in here: the client has a cursor into what is kept of the room, and each
/// frame here stands before one of its offsets.
struct AwayQueue {
    private let maxMessages: Int
    private let maxBytes: Int
    private var items: [DirectFrame] = []
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
        items.append(DirectFrame(offset: offset, frame: frame))
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

    /// Puts what a broken link left before everything else.
    mutating func prepend(_ frames: [DirectFrame]) {
        var queue = AwayQueue(maxMessages: maxMessages, maxBytes: maxBytes)
        queue.lost = lost
        for item in frames { queue.append(item.frame, before: item.offset) }
        for item in items[head...] { queue.append(item.frame, before: item.offset) }
        self = queue
    }

    /// What waits, in order, each frame with its place among the messages of the room.
    var frames: [DirectFrame] { Array(items[head...]) }

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
