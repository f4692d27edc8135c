// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The sequence number at the head of each payload: sixteen hexadecimal digits, so that every frame has one length.
enum Stamp {
    static let width = 16

    /// Writes `sequence` as ``width`` digits.
    @inline(__always)
    static func write(_ sequence: Int, to target: UnsafeMutablePointer<UInt8>) {
        var rest = UInt64(truncatingIfNeeded: sequence)
        var index = width - 1
        while index >= 0 {
            let digit = UInt8(truncatingIfNeeded: rest & 15)
            target[index] = digit < 10 ? 48 &+ digit : 87 &+ digit
            rest >>= 4
            index &-= 1
        }
    }

    /// XORs the eight bytes of each half, as a WebSocket client has to.
    @inline(__always)
    static func mask(_ stamp: UnsafeMutablePointer<UInt8>, with mask: UInt64) {
        let halves = UnsafeMutableRawPointer(stamp)
        for half in [0, 8] {
            let bytes = halves.loadUnaligned(fromByteOffset: half, as: UInt64.self) ^ mask
            halves.storeBytes(of: bytes, toByteOffset: half, as: UInt64.self)
        }
    }

    /// A payload of `size` ASCII characters that begins with the stamp of `sequence`.
    static func payload(_ sequence: Int, size: Int) -> [UInt8] {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8)
        var bytes = (0..<max(size, width)).map { alphabet[$0 % alphabet.count] }
        bytes.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { write(sequence, to: base) }
        }
        return bytes
    }
}
