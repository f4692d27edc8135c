// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension Span<UInt8> {
    /// The eight bytes at an index, the first in the lowest lane; the caller has checked that they are there.
    @inline(__always)
    func word(at index: Int) -> UInt64 {
        let bytes = extracting(index..<(index &+ 8))
        return UInt64(bytes[0]) | UInt64(bytes[1]) << 8 | UInt64(bytes[2]) << 16 | UInt64(bytes[3]) << 24
            | UInt64(bytes[4]) << 32 | UInt64(bytes[5]) << 40 | UInt64(bytes[6]) << 48 | UInt64(bytes[7]) << 56
    }

    /// The index of the first line feed from an index on; nil when there is none.
    func firstLineFeed(from start: Int) -> Int? {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var index = start
        while index &+ 8 <= count {
            let other = word(at: index) ^ (ones &* UInt64(ASCII.lineFeed))
            // The top bit of each lane that is zero, and perhaps of lanes above the first one.
            let found = (other &- ones) & ~other & (ones << 7)
            if found != 0 { return index &+ found.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < count {
            if self[index] == ASCII.lineFeed { return index }
            index &+= 1
        }
        return nil
    }

    /// Whether no byte is a control character other than a tab (RFC 9110, §5.5).
    var isFieldValue: Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var index = 0
        while index < count {
            if index &+ 8 <= count {
                let word = word(at: index)
                let low = (word &- ones &* 0x20) & ~word
                let delete = word ^ ones &* 0x7F
                if (low | (delete &- ones) & ~delete) & (ones << 7) == 0 {
                    index &+= 8
                    continue
                }
            }
            let byte = self[index]
            guard byte >= 0x20 && byte != 0x7F || byte == ASCII.tab else { return false }
            index &+= 1
        }
        return true
    }

    /// Whether these are the bytes of a text in lower case, whatever their own case.
    @inline(__always)
    func isText(_ text: String) -> Bool {
        guard count == text.utf8.count else { return false }
        var index = 0
        for byte in text.utf8 {
            guard ASCII.lower(self[index]) == byte else { return false }
            index &+= 1
        }
        return true
    }

    /// Whether two runs of bytes are the same but for the case of letters.
    func isSameText(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices where ASCII.lower(self[index]) != ASCII.lower(other[index]) { return false }
        return true
    }
}

extension [UInt8] {
    /// Appends a copy of lent bytes.
    mutating func append(bytes: Span<UInt8>) {
        append(addingCapacity: bytes.count) { (output: inout OutputSpan<UInt8>) in
            for index in bytes.indices { output.append(bytes[index]) }
        }
    }
}

extension Span<UInt8> {
    /// Whether these are exactly the bytes of a text.
    func isExactly(_ text: String) -> Bool {
        guard count == text.utf8.count else { return false }
        var index = 0
        for byte in text.utf8 {
            guard self[index] == byte else { return false }
            index &+= 1
        }
        return true
    }
}
