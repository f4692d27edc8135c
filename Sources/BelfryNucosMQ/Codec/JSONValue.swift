// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A validated JSON value as a range of the bytes it was found in.
package struct JSONValue: Equatable, Sendable {
    /// What a value is, told by its first byte.
    package enum Kind: Sendable {
        case object, array, string, number, boolean, null
    }

    /// What it is.
    package let kind: Kind
    /// The value's bytes, quotes or brackets included, no white space around.
    package let range: Range<Int>
    /// Whether no backslash occurs; only told for strings, true for everything else.
    package let isPlain: Bool

    /// The text between the quotes of a string, and the literal itself of any other value.
    package var text: JSONText {
        guard kind == .string, range.count >= 2 else { return JSONText(range: range, isPlain: isPlain) }
        return JSONText(range: range.lowerBound &+ 1..<range.upperBound &- 1, isPlain: isPlain)
    }
}
