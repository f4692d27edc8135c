// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CZlib

/// A raw DEFLATE stream written piece by piece (RFC 1951), each readable as soon as it is written.
///
/// Pieces end as permessage-deflate wants it: flushed, without the flush's last four bytes (RFC 7692, §7.2.1).
@safe package struct Deflater: ~Copyable {
    // On the heap: zlib keeps its address.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Begins a stream.
    ///
    /// - Parameters:
    ///   - windowBits: How far back it refers, as a power of two: 9 to 15. zlib can't write with 8.
    ///   - level: 1, the fastest, to 9, the smallest.
    ///   - memoryLevel: 1 to 9; 8 takes about 256 KB with 15 window bits, 1 with 9 about 8 KB.
    /// - Returns: nil when zlib refuses, as for want of memory.
    package init?(windowBits: Int = 15, level: Int = 6, memoryLevel: Int = 8) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe deflateInit2_(
            stream,
            Int32(min(max(level, 1), 9)),
            Z_DEFLATED,
            -Int32(min(max(windowBits, 9), 15)),
            Int32(min(max(memoryLevel, 1), 9)),
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(unsafe MemoryLayout<z_stream>.size)
        )
        guard status == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
        unsafe self.stream = stream
    }

    /// Begins a stream for one message alone, with as little memory as it needs.
    ///
    /// - Parameters:
    ///   - bytes: The message's length.
    ///   - maxWindowBits: What the reader has room for: 9 to 15.
    ///   - level: As above.
    package init?(messageOf bytes: Int, maxWindowBits: Int = 15, level: Int = 6) {
        let bits = Int.bitWidth - max(bytes - 1, 1).leadingZeroBitCount
        self.init(windowBits: min(max(bits, 9), maxWindowBits), level: level, memoryLevel: min(max(bits - 6, 1), 8))
    }

    deinit {
        unsafe _ = deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Appends a message to the output, compressed; false when zlib fails, then the output is unusable.
    package mutating func deflate(_ input: Span<UInt8>, into output: inout [UInt8]) -> Bool {
        // A flush of nothing writes nothing; an empty block stands for the empty message (RFC 7692, §7.2.3.6).
        guard !input.isEmpty else {
            output.append(0)
            return true
        }
        var start = 0
        while start < input.count {
            // zlib counts in 32 bits.
            let piece = input.extracting(start..<min(start + 1 << 30, input.count))
            start += piece.count
            let flush = start == input.count ? Z_SYNC_FLUSH : Z_NO_FLUSH
            guard unsafe piece.withUnsafeBufferPointer({ unsafe deflate($0, flush, into: &output) }) else {
                return false
            }
        }
        output.removeLast(4)
        return true
    }

    private func deflate(_ input: UnsafeBufferPointer<UInt8>, _ flush: Int32, into output: inout [UInt8]) -> Bool {
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        unsafe stream.pointee.avail_in = UInt32(input.count)
        let pieceBytes = min(max(input.count, 64), 64 * 1024) + 16
        while true {
            var status = Z_OK
            var isFull = false
            output.append(addingCapacity: pieceBytes) { (target: inout OutputSpan<UInt8>) in
                unsafe target.withUnsafeMutableBufferPointer { buffer, count in
                    unsafe stream.pointee.next_out = buffer.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(pieceBytes)
                    status = unsafe CZlib.deflate(stream, flush)
                    unsafe count = pieceBytes - Int(stream.pointee.avail_out)
                    isFull = unsafe stream.pointee.avail_out == 0
                }
            }
            guard status == Z_OK || status == Z_BUF_ERROR else { return false }
            if !isFull { return true }
        }
    }

    /// Forgets what came before: the next message can be read alone.
    package mutating func reset() { unsafe _ = deflateReset(stream) }
}
