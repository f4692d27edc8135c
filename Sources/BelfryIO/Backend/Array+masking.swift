// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
    /// Appends lent bytes, each XORed with one of a key's four bytes in turn, as WebSocket masks (RFC 6455, §5.3).
    ///
    /// - Parameters:
    ///   - bytes: What is masked, or unmasked: it is the same.
    ///   - key: The first byte's mask in the lowest eight bits.
    /// - Returns: The OR of all bytes that were appended, so that ASCII is known by one look: below 0x80.
    package mutating func append(_ bytes: Span<UInt8>, maskedBy key: UInt32) -> UInt8 {
        var seen: UInt8 = 0
        append(addingCapacity: bytes.count) { (output: inout OutputSpan<UInt8>) in
            unsafe output.withUnsafeMutableBufferPointer { target, count in
                unsafe bytes.withUnsafeBytes { source in
                    seen = unsafe mask(source, key, into: UnsafeMutableRawBufferPointer(target))
                    count += source.count
                }
            }
        }
        return seen
    }
}

/// Eight bytes at a time; the compiler makes it 16 or more.
private func mask(_ source: UnsafeRawBufferPointer, _ key: UInt32, into target: UnsafeMutableRawBufferPointer) -> UInt8
{
    guard let from = source.baseAddress, let to = target.baseAddress else { return 0 }
    let wide = UInt64(key) | UInt64(key) << 32
    var seen: UInt64 = 0
    let words = source.count & ~7
    for index in stride(from: 0, to: words, by: 8) {
        let word = unsafe from.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ wide.littleEndian
        unsafe to.storeBytes(of: word, toByteOffset: index, as: UInt64.self)
        seen |= word
    }
    var rest = wide
    for index in words..<source.count {
        let byte = unsafe from.load(fromByteOffset: index, as: UInt8.self) ^ UInt8(truncatingIfNeeded: rest)
        unsafe to.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
        seen |= UInt64(byte)
        rest >>= 8
    }
    seen |= seen >> 32
    seen |= seen >> 16
    return UInt8(truncatingIfNeeded: seen | seen >> 8)
}
