// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Synchronization

/// A run of encoded frames in one block of memory: appended to by one writer, read and sent from by any loop.
///
/// Everything below the published end is immutable, so a chunk can be lent to the kernel and to other loops without
/// copying or locking. It lives as long as a log, a cursor's segment or a send in flight refers to it.
// Safe because the writer (one loop) only touches bytes and ends above `published`, readers only what lies below it,
// and `published` is stored with release and loaded with acquire ordering.
@safe package final class FrameChunk: @unchecked Sendable {
    /// The room for frames, in bytes.
    package let capacity: Int
    /// The log offset of the chunk's first frame.
    package private(set) var firstOffset: UInt64
    private let maxFrames: Int
    private let base: UnsafeMutablePointer<UInt8>
    private let ends: UnsafeMutablePointer<UInt32>
    /// What each frame is about, for the policy that keeps the newest per key; nil where nobody asks.
    private let keys: UnsafeMutablePointer<UInt64>?
    private let meter: MemoryMeter?
    private let published = Atomic<Int>(0)
    // The writer's own copy of `published`, so that appending loads nothing atomically.
    private var written = 0
    private var writtenBytes = 0

    /// Makes an empty chunk.
    ///
    /// - Parameters:
    ///   - capacity: Room for frames in bytes, at most 1 GiB.
    ///   - firstOffset: The log offset its first frame will have.
    ///   - keyed: Whether each frame's key is kept.
    ///   - meter: Counts the chunk's memory while it lives.
    package init(capacity: Int, firstOffset: UInt64, keyed: Bool = false, meter: MemoryMeter? = nil) {
        self.capacity = Swift.min(Swift.max(capacity, 64), 1 << 30)
        self.firstOffset = firstOffset
        // Frames are seldom below 32 bytes; a chunk whose table is full simply ends early.
        maxFrames = Swift.max(self.capacity / 32, 16)
        unsafe base = .allocate(capacity: self.capacity)
        unsafe ends = .allocate(capacity: maxFrames)
        unsafe keys = keyed ? .allocate(capacity: maxFrames) : nil
        self.meter = meter
        meter?.add(self.capacity + maxFrames * (keyed ? 12 : 4))
    }

    deinit {
        unsafe base.deallocate()
        unsafe ends.deallocate()
        unsafe keys?.deallocate()
        meter?.add(-(capacity + maxFrames * (unsafe keys == nil ? 4 : 12)))
    }

    /// Whether each frame's key is kept.
    package var isKeyed: Bool { unsafe keys != nil }

    /// The number of frames that may be read.
    ///
    /// Callable from any loop.
    package var frameCount: Int { published.load(ordering: .acquiring) }

    /// The offset behind the last readable frame.
    ///
    /// Callable from any loop.
    package var endOffset: UInt64 { firstOffset + UInt64(frameCount) }

    /// The bytes in use.
    ///
    /// Writer only.
    package var byteCount: Int { writtenBytes }

    /// Appends one frame; false when it does not fit.
    ///
    /// Writer only.
    package func append(_ frame: Span<UInt8>, key: UInt64 = 0) -> Bool {
        guard written < maxFrames, frame.count <= capacity - writtenBytes else { return false }
        unsafe frame.withUnsafeBufferPointer { source in
            if let start = source.baseAddress {
                unsafe (base + writtenBytes).update(from: start, count: source.count)
            }
        }
        writtenBytes += frame.count
        unsafe ends[written] = UInt32(truncatingIfNeeded: writtenBytes)
        unsafe keys?[written] = key
        written += 1
        published.store(written, ordering: .releasing)
        return true
    }

    /// Makes the chunk empty again for reuse.
    ///
    /// Writer only, and only while nobody else refers to it.
    package func reset(firstOffset: UInt64) {
        written = 0
        writtenBytes = 0
        self.firstOffset = firstOffset
        published.store(0, ordering: .releasing)
    }

    /// Where the frame with this index begins, in bytes; for `frameCount` the end of the last frame.
    package func start(ofFrame index: Int) -> Int {
        let readable = frameCount
        let clamped = Swift.min(Swift.max(index, 0), readable)
        return clamped == 0 ? 0 : Int(unsafe ends[clamped - 1])
    }

    /// The key of a readable frame; 0 where none is kept.
    package func key(ofFrame index: Int) -> UInt64 {
        guard index >= 0, index < frameCount, let keys = unsafe keys else { return 0 }
        return unsafe keys[index]
    }

    /// The index of the last frame boundary at or below a byte position, for sends bounded in bytes.
    package func frame(endingAtOrBelow byte: Int, from first: Int) -> Int {
        var low = first
        var high = frameCount
        while low < high {
            let middle = (low + high + 1) / 2
            if start(ofFrame: middle) <= byte { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// Lends the bytes of a range of positions to `body`; positions beyond what is readable are cut off.
    package func withBytes<R>(_ range: Range<Int>, _ body: (Span<UInt8>) -> R) -> R {
        let end = start(ofFrame: frameCount)
        let lower = Swift.min(Swift.max(range.lowerBound, 0), end)
        let upper = Swift.min(Swift.max(range.upperBound, lower), end)
        let bytes = unsafe UnsafeBufferPointer(start: base + lower, count: upper - lower)
        return unsafe body(bytes.span)
    }

    /// The address of a byte, for the kernel only.
    func address(_ offset: Int) -> UnsafeMutablePointer<UInt8> { unsafe base + offset }
}
