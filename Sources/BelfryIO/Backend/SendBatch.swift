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

    /// Makes a batch of one segment or more.
    package init(_ first: Segment, rest: [Segment] = []) {
        self.first = first
        self.rest = rest
    }

    /// All bytes of the batch.
    package var byteCount: Int { rest.reduce(first.count) { $0 + $1.count } }
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
