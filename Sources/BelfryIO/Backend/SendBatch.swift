// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Bytes to send that lie in a chunk: the chunk is kept alive, never copied.
package struct Segment: Sendable {
    package let chunk: FrameChunk
    package let start: Int
    package let end: Int

    /// Names the bytes `start..<end` of a chunk.
    package init(_ chunk: FrameChunk, _ start: Int, _ end: Int) {
        self.chunk = chunk
        self.start = start
        self.end = end
    }

    package var count: Int { end - start }
}

/// What one send operation carries: one segment in the common case, more where frames come from several logs.
package struct SendBatch: Sendable {
    package let first: Segment
    package let rest: [Segment]
    /// When not 0, a batch of more bytes leaves in records of this many.
    ///
    /// No record shares a network packet with what follows; for peers that mistake a short read for the end of a
    /// message.
    package var recordBytes = 0

    /// Makes a batch of one segment or more.
    package init(_ first: Segment, rest: [Segment] = []) {
        self.first = first
        self.rest = rest
    }

    /// All bytes of the batch.
    package var byteCount: Int { rest.reduce(first.count) { $0 + $1.count } }

    /// What the next system call is to send after `sent` bytes, if that is a record; nil when the batch has none.
    func record(after sent: Int) -> Segment? {
        guard recordBytes > 0, byteCount > recordBytes else { return nil }
        var skip = sent
        for index in 0...rest.count {
            let segment = index == 0 ? first : rest[index - 1]
            guard skip < segment.count else {
                skip -= segment.count
                continue
            }
            let start = segment.start + skip
            // What the kernel took a part of is completed first.
            return Segment(segment.chunk, start, min(segment.end, start + recordBytes - skip % recordBytes))
        }
        return nil
    }
}

/// Whether a send was taken.
package enum SendAdmission: Sendable {
    /// It leaves at the end of the turn; its memory is held until the kernel is done with it.
    case queued
    /// An earlier one is still under way. `writable` is reported once it is done.
    case busy
    /// The handle is closed or closing.
    case closed
}
