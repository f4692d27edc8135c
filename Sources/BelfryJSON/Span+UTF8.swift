// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension Span<UInt8> {
    /// The length of the well-formed multi-byte scalar that starts at an index inside (Unicode, table 3-7).
    ///
    /// - Returns: 2, 3 or 4; nil if there is none, also for ASCII.
    @inlinable package func scalarLength(at index: Int) -> Int? {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch self[index] {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE...0xEF: length = 3
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return nil
        }
        guard index &+ length <= count, second.contains(self[index &+ 1]) else { return nil }
        for next in 2..<4 where next < length {
            guard self[index &+ next] & 0xC0 == 0x80 else { return nil }
        }
        return length
    }

    /// The value of the well-formed multi-byte scalar of a known length at an index.
    @inlinable package func scalarValue(at index: Int, length: Int) -> UInt32 {
        var value = UInt32(self[index]) & (0x7F >> UInt32(length))
        for next in 1..<4 where next < length {
            value = value << 6 | UInt32(self[index &+ next] & 0x3F)
        }
        return value
    }
}
