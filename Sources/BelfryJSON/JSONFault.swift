// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Where and why a text is not JSON; it carries no byte of the text.
@usableFromInline package struct JSONFault: Error, Equatable, Sendable {
    /// The rule of RFC 8259 (or the bound) that was broken.
    @usableFromInline package enum Rule: String, Sendable {
        case unexpectedEnd = "the text ends inside a value"
        case unexpectedByte = "a value, name, colon, comma or closing bracket was expected"
        case badLiteral = "only true, false and null are literals"
        case badNumber = "a number is not written as JSON wants it"
        case badEscape = "a backslash is not followed by a known escape"
        case controlCharacter = "a control character stands unescaped in a string"
        case invalidUTF8 = "a string is not well-formed UTF-8"
        case tooDeep = "arrays and objects are nested too deeply"
        case trailingBytes = "something follows the value"
    }

    /// The broken rule.
    @usableFromInline package let rule: Rule
    /// The index of the byte at which it showed.
    @usableFromInline package let offset: Int

    /// A fault at an index.
    @inlinable package init(_ rule: Rule, at offset: Int) {
        self.rule = rule
        self.offset = offset
    }
}
