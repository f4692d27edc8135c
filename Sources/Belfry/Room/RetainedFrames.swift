// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// The newest frames of a room in one format, kept for clients that are away: they are cursors without a connection.
///
/// Loop-confined to the room's home. Bounded in frames and bytes, to the next whole chunk.
package final class RetainedFrames: FrameLogReader {
    /// The loop of no connection.
    let loopIndex = -1
    private let maxMessages: Int
    private let maxBytes: Int
    private var chunks: [FrameChunk] = []

    init(messages: Int, bytes: Int) {
        maxMessages = max(1, messages)
        maxBytes = max(1, bytes)
    }

    /// The oldest offset still held.
    package var firstOffset: UInt64 { chunks.first?.firstOffset ?? 0 }

    /// Calls `body` with the frames of a range of offsets, oldest first; frames that the format can't say are left out.
    package func forEach(from start: UInt64, to end: UInt64, _ body: (UInt64, Span<UInt8>) -> Void) {
        for chunk in chunks where chunk.endOffset > start && chunk.firstOffset < end {
            let first = Int(clamping: max(start, chunk.firstOffset) - chunk.firstOffset)
            let last = Int(clamping: min(end, chunk.endOffset) - chunk.firstOffset)
            for index in first..<last {
                let range = chunk.start(ofFrame: index)..<chunk.start(ofFrame: index + 1)
                if !range.isEmpty { chunk.withBytes(range) { body(chunk.firstOffset + UInt64(index), $0) } }
            }
        }
    }

    func logRolledOver(to chunk: FrameChunk) {
        chunks.append(chunk)
        while let first = chunks.first, let last = chunks.last, chunks.count > 1 {
            let kept = last.endOffset - first.endOffset
            let bytes = chunks.dropFirst().reduce(0) { $0 + $1.start(ofFrame: $1.frameCount) }
            guard kept >= UInt64(maxMessages) || bytes >= maxBytes else { break }
            chunks.removeFirst()
        }
    }

    func logGrew(to end: UInt64) {}
}

extension RoomCore {
    func retain(_ frames: RetainedFrames, format: any WireFormat) -> RetainedFrames {
        let log = self.log(for: format)
        frames.logRolledOver(to: log.tail)
        log.readers.append(frames)
        updatePlainLog()
        return frames
    }

    func release(_ frames: RetainedFrames, format: any WireFormat) {
        guard let log = logs.first(where: { $0.formatName == format.name }) else { return }
        log.readers.removeAll { $0 === frames }
        removeIfUnread(log)
    }
}
