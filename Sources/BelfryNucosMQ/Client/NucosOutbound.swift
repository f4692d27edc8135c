// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// Frames that wait to be sent on one connection, whole ones in every send (nucosMQ wire, §2).
///
/// A frame lies in one piece; a send takes all that wait, in up to 64 pieces.
struct NucosOutbound {
    private var segments: [Segment] = []
    /// The chunk that the next frame goes to, if it fits.
    private var chunk: FrameChunk?
    /// Bytes that the kernel has not been given yet.
    private(set) var byteCount = 0

    var isEmpty: Bool { segments.isEmpty }

    /// Copies a frame behind what is there; false for one of 1 GiB or more.
    mutating func append(_ frame: Span<UInt8>) -> Bool {
        if let chunk, chunk.append(frame) {
            extend(chunk, by: frame.count)
            return true
        }
        // One that sends little keeps a small chunk.
        let chunk = FrameChunk(capacity: max(segments.isEmpty ? 4_096 : 65_536, frame.count), firstOffset: 0)
        guard chunk.append(frame) else { return false }
        self.chunk = chunk
        extend(chunk, by: frame.count)
        return true
    }

    private mutating func extend(_ chunk: FrameChunk, by count: Int) {
        byteCount += count
        let end = chunk.byteCount
        if let last = segments.last, last.chunk === chunk {
            segments[segments.count - 1] = Segment(chunk, last.start, end)
        } else {
            segments.append(Segment(chunk, end - count, end))
        }
    }

    /// The next send; nil when nothing waits.
    var next: SendBatch? {
        guard let first = segments.first else { return nil }
        return SendBatch(first, rest: segments.count == 1 ? [] : Array(segments.dropFirst().prefix(63)))
    }

    /// Forgets what `next` told.
    mutating func remove(_ batch: SendBatch) {
        byteCount -= batch.byteCount
        segments.removeFirst(min(segments.count, 1 + batch.rest.count))
    }
}

/// Sends, at the end of a turn, what the turn gave to the clients of a loop: one send each.
///
/// Loop-confined.
final class NucosFlusher: TurnEndHandler {
    private var dirty: [NucosClientConnection] = []

    /// The flusher of a loop.
    static func of(_ loop: EventLoop) -> NucosFlusher {
        loop.local {
            let flusher = NucosFlusher()
            loop.addTurnEndHandler(flusher)
            return flusher
        }
    }

    func add(_ connection: NucosClientConnection) { dirty.append(connection) }

    func turnEnded() -> Bool {
        guard !dirty.isEmpty else { return false }
        var connections: [NucosClientConnection] = []
        swap(&connections, &dirty)
        for connection in connections { connection.flush() }
        connections.removeAll(keepingCapacity: true)
        if dirty.isEmpty { swap(&connections, &dirty) }
        return false
    }
}
