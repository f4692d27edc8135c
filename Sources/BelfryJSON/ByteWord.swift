// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Eight bytes looked at together, each in its own lane of a 64-bit word.
///
/// The masks have the top bit set in lanes that qualify. Lanes above the first qualifying one may be set by mistake
/// (the subtraction borrows across lanes), the first never is, so only `firstLane` may be read from a mask.
@usableFromInline package enum ByteWord {
    @inlinable package static var ones: UInt64 { 0x0101_0101_0101_0101 }
    @inlinable package static var tops: UInt64 { 0x8080_8080_8080_8080 }

    /// A word with the same byte in each lane.
    @inline(__always)
    @inlinable package static func repeating(_ byte: UInt8) -> UInt64 {
        UInt64(byte) &* ones
    }

    /// Marks lanes that are zero.
    @inline(__always)
    @inlinable package static func zeros(_ word: UInt64) -> UInt64 {
        (word &- ones) & ~word & tops
    }

    /// Marks lanes that equal a byte.
    @inline(__always)
    @inlinable package static func equal(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        zeros(word ^ repeating(byte))
    }

    /// Marks lanes in which a plain run of a JSON string ends: quote, backslash, control or not ASCII.
    ///
    /// Flipping the second bit puts the quote (0x22) right behind the controls, so one subtraction finds both; and as
    /// lanes that are not ASCII are marked anyway, the other terms need not be masked for them.
    @inline(__always)
    @inlinable package static func stringStops(_ word: UInt64) -> UInt64 {
        let controlOrQuote = (word ^ repeating(0x02)) &- repeating(0x21)
        let backslash = (word ^ repeating(ASCII.backslash)) &- ones
        return (controlOrQuote | backslash | word) & tops
    }

    /// The index (0 to 7) of the first marked lane of a mask that is not zero.
    @inline(__always)
    @inlinable package static func firstLane(_ mask: UInt64) -> Int {
        mask.trailingZeroBitCount / 8
    }
}

extension Span<UInt8> {
    /// The eight bytes at an index, the first in the lowest lane; the caller has checked that they are there.
    ///
    /// The one bounds check is that of `extracting`; the eight reads become one load.
    @inline(__always)
    @inlinable package func word(at index: Int) -> UInt64 {
        let bytes = extracting(index..<(index &+ 8))
        return UInt64(bytes[0]) | UInt64(bytes[1]) << 8 | UInt64(bytes[2]) << 16 | UInt64(bytes[3]) << 24
            | UInt64(bytes[4]) << 32 | UInt64(bytes[5]) << 40 | UInt64(bytes[6]) << 48 | UInt64(bytes[7]) << 56
    }
}

extension Span<UInt8> {
    /// Whether two spans have the same bytes.
    @inline(__always)
    @inlinable package func matches(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        guard count >= 8 else {
            for index in indices where self[index] != other[index] { return false }
            return true
        }
        var index = 0
        var difference: UInt64 = 0
        while index &+ 8 <= count {
            difference |= word(at: index) ^ other.word(at: index)
            index &+= 8
        }
        // The last word overlaps the one before, so that there is no rest.
        let last = word(at: count &- 8) ^ other.word(at: count &- 8)
        return difference | last == 0
    }

    /// Whether `_EOM_` stands at an index, the end of a message on nucosMQ's wire (its §2).
    @inline(__always)
    @inlinable package func hasEOM(at index: Int) -> Bool {
        guard index &+ 5 <= count else { return false }
        return self[index] == ASCII.underscore && self[index &+ 1] == UInt8(ascii: "E")
            && self[index &+ 2] == UInt8(ascii: "O") && self[index &+ 3] == UInt8(ascii: "M")
            && self[index &+ 4] == ASCII.underscore
    }
}

extension [UInt8] {
    /// Appends the bytes of a span.
    @inline(__always)
    @inlinable package mutating func append(bytes: Span<UInt8>) {
        append(addingCapacity: bytes.count) { (output: inout OutputSpan<UInt8>) in
            for index in bytes.indices { output.append(bytes[index]) }
        }
    }

    /// A copy of the bytes of a span.
    @inline(__always)
    @inlinable package init(bytes: Span<UInt8>) {
        self.init(capacity: bytes.count) { (output: inout OutputSpan<UInt8>) in
            for index in bytes.indices { output.append(bytes[index]) }
        }
    }
}
