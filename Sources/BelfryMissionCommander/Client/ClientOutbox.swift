// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// Frames that wait to be sent; they outlive a link, so that what it had not taken goes to the next one.
///
/// A frame is handed to the kernel whole or not at all.
struct ClientOutbox {
    /// What one send carries at most, unless a single frame is longer.
    private static let maxBatchBytes = 64 * 1024

    private var frames: [[UInt8]] = []
    /// Frames before this one have been handed over.
    private var start = 0
    private(set) var byteCount = 0

    var count: Int { frames.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ frame: [UInt8]) {
        frames.append(frame)
        byteCount += frame.count
    }

    /// The frames at the front as one send, and how many they are; nil when none waits.
    func nextBatch() -> (batch: SendBatch, frames: Int)? {
        guard start < frames.count else { return nil }
        var (taken, bytes) = (0, 0)
        for frame in frames[start...] {
            guard taken == 0 || bytes + frame.count <= Self.maxBatchBytes else { break }
            taken += 1
            bytes += frame.count
        }
        return (Self.batch(frames[start..<(start + taken)]), taken)
    }

    /// Frames copied into one send.
    static func batch(_ frames: ArraySlice<[UInt8]>) -> SendBatch {
        let bytes = frames.reduce(0) { $0 + $1.count }
        let chunk = FrameChunk(capacity: max(bytes, 1), firstOffset: 0)
        for frame in frames { _ = chunk.append(frame.span) }
        return SendBatch(Segment(chunk, 0, bytes))
    }

    /// Forgets frames at the front.
    mutating func remove(_ count: Int) {
        for index in start..<min(start + count, frames.count) {
            byteCount -= frames[index].count
            frames[index] = []
            start += 1
        }
        // As rarely as to cost nothing.
        if start * 2 >= frames.count {
            frames.removeFirst(start)
            start = 0
        }
    }

    /// Forgets all.
    mutating func removeAll() { self = ClientOutbox() }
}
