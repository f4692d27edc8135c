// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A text of at most 16 bytes in two words, so that names are compared without a loop.
@usableFromInline package struct ShortName: Equatable {
    /// The first eight bytes, the first in the lowest lane; unused lanes are zero.
    @usableFromInline package let low: UInt64
    /// The bytes from the ninth on.
    @usableFromInline package let high: UInt64
    @usableFromInline package let count: Int

    /// A constant; in release builds it folds to three numbers.
    @inline(__always)
    @inlinable package init(
        _ a: Unicode.Scalar,
        _ b: Unicode.Scalar = "\0",
        _ c: Unicode.Scalar = "\0",
        _ d: Unicode.Scalar = "\0",
        _ e: Unicode.Scalar = "\0",
        _ f: Unicode.Scalar = "\0",
        _ g: Unicode.Scalar = "\0",
        _ h: Unicode.Scalar = "\0",
        _ i: Unicode.Scalar = "\0",
        _ j: Unicode.Scalar = "\0",
        _ k: Unicode.Scalar = "\0",
        _ l: Unicode.Scalar = "\0",
        _ m: Unicode.Scalar = "\0",
        _ n: Unicode.Scalar = "\0"
    ) {
        low = Self.word(a, b, c, d, e, f, g, h)
        high = Self.word(i, j, k, l, m, n, "\0", "\0")
        count = 16 &- low.leadingZeroBitCount / 8 &- high.leadingZeroBitCount / 8
    }

    /// The bytes in a range, which must lie inside; nil if there are more than 16.
    @inline(__always)
    @inlinable package init?(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        let count = range.count
        if count < 8 {
            low =
                range.lowerBound &+ 8 <= bytes.count
                ? bytes.word(at: range.lowerBound) & ((1 << UInt64(count &* 8)) &- 1)
                : Self.gather(bytes, range)
            high = 0
        } else if count <= 16 {
            low = bytes.word(at: range.lowerBound)
            high = bytes.word(at: range.upperBound &- 8) >> UInt64((16 &- count) &* 8)
        } else {
            return nil
        }
        self.count = count
    }

    @inlinable package static func gather(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
        var word: UInt64 = 0
        for index in range.reversed() { word = word << 8 | UInt64(bytes[index]) }
        return word
    }

    @inline(__always)
    @inlinable package static func word(
        _ a: Unicode.Scalar,
        _ b: Unicode.Scalar,
        _ c: Unicode.Scalar,
        _ d: Unicode.Scalar,
        _ e: Unicode.Scalar,
        _ f: Unicode.Scalar,
        _ g: Unicode.Scalar,
        _ h: Unicode.Scalar
    ) -> UInt64 {
        // Not UInt8(ascii:), which traps for other scalars: all callers are constants of this module.
        let first = UInt64(a.value & 0x7F) | UInt64(b.value & 0x7F) << 8 | UInt64(c.value & 0x7F) << 16
        let second = UInt64(d.value & 0x7F) << 24 | UInt64(e.value & 0x7F) << 32 | UInt64(f.value & 0x7F) << 40
        return first | second | UInt64(g.value & 0x7F) << 48 | UInt64(h.value & 0x7F) << 56
    }
}
