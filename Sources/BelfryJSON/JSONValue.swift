// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A validated JSON value as a range of the bytes it was found in.
@usableFromInline package struct JSONValue: Equatable, Sendable {
    /// What a value is, told by its first byte.
    @usableFromInline package enum Kind: Sendable {
        case object, array, string, number, boolean, null
    }

    /// What it is.
    @usableFromInline package let kind: Kind
    /// The value's bytes, quotes or brackets included, no white space around.
    @usableFromInline package let range: Range<Int>
    /// Whether no backslash occurs; only told for strings, true for everything else.
    @usableFromInline package let isPlain: Bool

    @inlinable package init(kind: Kind, range: Range<Int>, isPlain: Bool) {
        self.kind = kind
        self.range = range
        self.isPlain = isPlain
    }

    /// The text between the quotes of a string, and the literal itself of any other value.
    @inlinable package var text: JSONText {
        guard kind == .string, range.count >= 2 else { return JSONText(range: range, isPlain: isPlain) }
        return JSONText(range: range.lowerBound &+ 1..<range.upperBound &- 1, isPlain: isPlain)
    }
}
