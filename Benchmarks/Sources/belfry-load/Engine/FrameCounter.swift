// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Glibc

/// Counts the frames of one connection by counting bytes: every frame of a run has the same length.
///
/// The frame number `k` must carry the stamp `k`, so a byte or a message too few or too many shows at the next frame
/// that is looked at. Most reads are not looked at (``skip(_:)``); the others are compared byte by byte at their
/// beginning and end (``walk(_:everything:)``).
struct FrameCounter {
    /// Bytes of a frame; 0 where no frame may come.
    let length: Int
    /// Whole frames so far, the one the set-up read included.
    private(set) var frames: Int
    /// Interludes so far.
    private(set) var interludes = 0
    /// Bytes of the unfinished frame.
    private var inFrame = 0
    /// Bytes of the unfinished interlude.
    private var inInterlude = 0
    /// Whether only the length of frames is certain.
    private let countsOnly: Bool
    private let interlude: [UInt8]
    private let stampOffset: Int?
    /// Where in a frame the server may write something else each time, as the time of day.
    private let varying: Range<Int>
    /// The frame as it should be; only the stamp, and what may vary, change.
    private let expected: UnsafeMutablePointer<UInt8>

    /// Starts behind the first frame, `frame`, whose stamp stands at `stampOffset`.
    init(
        frame: [UInt8],
        stampOffset: Int?,
        interlude: [UInt8],
        varying: Range<Int>? = nil,
        countsOnly: Bool = false
    ) {
        self.countsOnly = countsOnly
        self.varying = varying ?? 0..<0
        length = frame.count
        frames = frame.isEmpty ? 0 : 1
        self.stampOffset = stampOffset
        self.interlude = interlude
        // Lives as long as the process: a counter is made once per connection.
        expected = .allocate(capacity: max(1, frame.count))
        for (index, byte) in frame.enumerated() { expected[index] = byte }
    }

    /// Whether the last byte seen ended a frame.
    var isAtBoundary: Bool { inFrame == 0 && inInterlude == 0 }

    /// Counts bytes nobody looked at; there must be no interlude among them.
    @inline(__always)
    mutating func skip(_ count: Int) {
        let total = inFrame &+ count
        frames &+= total / length
        inFrame = total % length
    }

    /// Counts bytes, comparing the first and the last frames of the buffer (or all of them) with what must be there.
    mutating func walk(_ buffer: UnsafeRawBufferPointer, everything: Bool) throws {
        guard let base = buffer.baseAddress else { return }
        var index = 0
        var compared = 0
        while index < buffer.count {
            if inFrame == 0, try consumeInterlude(buffer[index]) {
                index += 1
                continue
            }
            guard length > 0 else { throw LoadError("a connection that should hear nothing received a message") }
            let left = buffer.count - index
            let step = min(length - inFrame, left)
            if everything || compared < 2 || left < 2 * length {
                compared += 1
                try compare(base + index, step)
            } else if inFrame == 0, buffer[index] != expected[0] {
                throw LoadError("frame \(frames) does not begin as a frame does")
            }
            inFrame += step
            index += step
            if inFrame == length {
                inFrame = 0
                frames += 1
            }
        }
    }

    private mutating func consumeInterlude(_ byte: UInt8) throws -> Bool {
        guard let first = interlude.first, inInterlude > 0 || byte == first else { return false }
        guard byte == interlude[inInterlude] else { throw LoadError("something else than a frame or a ping came in") }
        inInterlude += 1
        if inInterlude == interlude.count {
            inInterlude = 0
            interludes += 1
        }
        return true
    }

    private func compare(_ bytes: UnsafeRawPointer, _ count: Int) throws {
        if countsOnly { return }
        if let stampOffset { Stamp.write(frames, to: expected + stampOffset) }
        for index in varying.clamped(to: inFrame..<(inFrame + count)) {
            expected[index] = bytes.load(fromByteOffset: index - inFrame, as: UInt8.self)
        }
        guard memcmp(bytes, expected + inFrame, count) != 0 else { return }
        let seen = String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
        let wanted = String(decoding: UnsafeBufferPointer(start: expected + inFrame, count: count), as: UTF8.self)
        throw LoadError("corrupt or missing delivery: frame \(frames) is \(seen), expected \(wanted)")
    }
}
