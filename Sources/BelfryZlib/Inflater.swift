// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CZlib

/// A raw DEFLATE stream read piece by piece (RFC 1951), with a bound on what comes out.
///
/// Owns about 40 KB once it has read something.
@safe package struct Inflater: ~Copyable {
    /// How a piece was read.
    package enum Outcome: Sendable, Equatable {
        /// All of it is read.
        case finished
        /// More comes out than is allowed; the stream can't go on.
        case tooLarge
        /// It is no DEFLATE stream.
        case corrupt
    }

    private static let pieceBytes = 16 * 1024

    // On the heap: zlib keeps its address.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Begins a stream.
    ///
    /// - Parameter windowBits: The window that the other side may use, 8 to 15; larger ones read its streams too.
    /// - Returns: nil when zlib refuses, as for want of memory.
    package init?(windowBits: Int = 15) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let bits = -Int32(min(max(windowBits, 8), 15))
        let size = Int32(unsafe MemoryLayout<z_stream>.size)
        guard unsafe inflateInit2_(stream, bits, ZLIB_VERSION, size) == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
        unsafe self.stream = stream
    }

    deinit {
        unsafe _ = inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Reads a piece of the stream and appends what comes out.
    ///
    /// - Parameters:
    ///   - input: The next bytes of the stream.
    ///   - output: Gets what they stand for; after `.tooLarge` at most 16 KiB more than allowed.
    ///   - maxBytes: How much this piece may add.
    package mutating func inflate(_ input: Span<UInt8>, into output: inout [UInt8], maxBytes: Int) -> Outcome {
        var start = 0
        let (sum, isTooMuch) = output.count.addingReportingOverflow(maxBytes)
        let end = isTooMuch ? .max : sum
        // zlib counts in 32 bits.
        while start < input.count {
            let piece = input.extracting(start..<min(start + 1 << 30, input.count))
            start += piece.count
            let outcome = unsafe piece.withUnsafeBufferPointer { unsafe inflate($0, into: &output, until: end) }
            guard outcome == .finished else { return outcome }
        }
        return .finished
    }

    private func inflate(
        _ input: UnsafeBufferPointer<UInt8>,
        into output: inout [UInt8],
        until end: Int
    ) -> Outcome {
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        unsafe stream.pointee.avail_in = UInt32(input.count)
        while true {
            var status = Z_OK
            var isFull = false
            output.append(addingCapacity: Self.pieceBytes) { (target: inout OutputSpan<UInt8>) in
                unsafe target.withUnsafeMutableBufferPointer { buffer, count in
                    unsafe stream.pointee.next_out = buffer.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(Self.pieceBytes)
                    status = unsafe CZlib.inflate(stream, Z_SYNC_FLUSH)
                    unsafe count = Self.pieceBytes - Int(stream.pointee.avail_out)
                    isFull = unsafe stream.pointee.avail_out == 0
                }
            }
            guard output.count <= end else { return .tooLarge }
            switch status {
            case Z_OK, Z_BUF_ERROR:
                if !isFull { return unsafe stream.pointee.avail_in == 0 ? .finished : .corrupt }
            case Z_STREAM_END:
                guard restart() else { return .corrupt }
                if unsafe stream.pointee.avail_in == 0 { return .finished }
            default: return .corrupt
            }
        }
    }

    /// A last block was read (RFC 7692, §7.2.3.4); what follows may still refer to what came before.
    private func restart() -> Bool {
        var window = [UInt8](repeating: 0, count: 32 * 1024)
        var count: UInt32 = 0
        guard unsafe inflateGetDictionary(stream, &window, &count) == Z_OK, unsafe inflateReset(stream) == Z_OK else {
            return false
        }
        return unsafe inflateSetDictionary(stream, &window, count) == Z_OK
    }
}
