// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// Bytes that wait to be sent, in chunks that the kernel can be lent.
package struct OutboundBytes {
    /// The room of one chunk; also what one send carries at most.
    private static let chunkBytes = 64 * 1024

    private var segments: Deque<Segment> = []
    /// Bytes that wait.
    package private(set) var byteCount = 0

    /// Nothing waits.
    package init() {}

    /// Copies bytes behind what is there.
    package mutating func append(_ bytes: Span<UInt8>) {
        var start = 0
        while start < bytes.count {
            let piece = bytes.extracting(start..<min(start + Self.chunkBytes, bytes.count))
            if !extendLast(with: piece) {
                let chunk = FrameChunk(capacity: Self.capacity(for: piece.count), firstOffset: 0)
                guard chunk.append(piece) else { return }
                segments.append(Segment(chunk, 0, piece.count))
            }
            byteCount += piece.count
            start += piece.count
        }
    }

    /// A lone small message gets a small chunk, the start of a queue a whole one.
    private static func capacity(for count: Int) -> Int { count <= 4_096 ? max(count, 1_024) : chunkBytes }

    private mutating func extendLast(with bytes: Span<UInt8>) -> Bool {
        guard let last = segments.last, last.chunk.append(bytes) else { return false }
        segments[segments.count - 1] = Segment(last.chunk, last.start, last.end + bytes.count)
        return true
    }

    /// The next send; nil when nothing waits.
    package var next: SendBatch? { segments.first.map { SendBatch($0) } }

    /// Forgets what `next` told.
    package mutating func removeNext() {
        guard let first = segments.popFirst() else { return }
        byteCount -= first.count
    }
}
