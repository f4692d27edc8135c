// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The text of a validated JSON string, as the range between its quotes.
@usableFromInline package struct JSONText: Equatable, Sendable {
    /// The bytes as they stand in the JSON text, escapes and all.
    @usableFromInline package let range: Range<Int>
    /// Whether there is no escape, so that the bytes are the text in UTF-8 and can be compared as they are.
    @usableFromInline package let isPlain: Bool

    @inlinable package init(range: Range<Int>, isPlain: Bool) {
        self.range = range
        self.isPlain = isPlain
    }

    /// A text without a character; JSON has no other way to write it.
    @inlinable package var isEmpty: Bool { range.isEmpty }

    /// The text, decoded; a lone surrogate becomes U+FFFD.
    ///
    /// - Parameter bytes: those that the range belongs to; a range that lies outside gives an empty text.
    @inlinable package func string(in bytes: Span<UInt8>) -> String {
        guard contains(bytes) else { return "" }
        let raw = bytes.extracting(range)
        if isPlain, let text = try? UTF8Span(validating: raw) { return String(copying: text) }
        return String(decoding: utf8(in: bytes), as: UTF8.self)
    }

    /// The text in UTF-8, decoded; a lone surrogate becomes U+FFFD.
    ///
    /// - Parameter bytes: those that the range belongs to; a range that lies outside gives an empty text.
    @inlinable package func utf8(in bytes: Span<UInt8>) -> [UInt8] {
        guard contains(bytes) else { return [] }
        let raw = bytes.extracting(range)
        if isPlain { return [UInt8](bytes: raw) }
        var output: [UInt8] = []
        output.reserveCapacity(raw.count)
        var index = 0
        while index < raw.count {
            let byte = raw[index]
            if byte == ASCII.backslash {
                index = Self.appendEscape(raw, at: index, to: &output)
            } else {
                output.append(byte)
                index &+= 1
            }
        }
        return output
    }

    /// Whether the decoded text is a given one, byte for byte.
    @inlinable package func equals(_ other: Span<UInt8>, in bytes: Span<UInt8>) -> Bool {
        guard contains(bytes) else { return false }
        if isPlain { return Self.equal(bytes.extracting(range), other) }
        // An escaped text is never shorter than the text it stands for.
        guard range.count >= other.count else { return false }
        return Self.equal(utf8(in: bytes).span, other)
    }

    /// Whether the decoded text is a given one, byte for byte (not by Unicode's canonical equivalence).
    @inlinable package func equals(_ other: String, in bytes: Span<UInt8>) -> Bool {
        equals(other.utf8.span, in: bytes)
    }

    /// The decoded text in two words, nil if it is longer than 16 bytes.
    @inline(__always)
    @inlinable package func shortName(in bytes: Span<UInt8>) -> ShortName? {
        isPlain ? ShortName(bytes, range) : decodedShortName(in: bytes)
    }

    @inline(never)
    @usableFromInline package func decodedShortName(in bytes: Span<UInt8>) -> ShortName? {
        // Sixteen bytes are at most sixteen escapes of six bytes.
        guard range.count <= 96 else { return nil }
        let decoded = utf8(in: bytes)
        return ShortName(decoded.span, decoded.indices)
    }

    @inlinable package func contains(_ bytes: Span<UInt8>) -> Bool {
        range.lowerBound >= 0 && range.upperBound <= bytes.count
    }

    @inlinable package static func equal(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for index in left.indices where left[index] != right[index] { return false }
        return true
    }

    /// Decodes the escape at an index (two in a row for a surrogate pair) and returns the index behind it.
    @inlinable package static func appendEscape(_ raw: Span<UInt8>, at index: Int, to output: inout [UInt8]) -> Int {
        guard index &+ 1 < raw.count else { return raw.count }
        switch raw[index &+ 1] {
        case UInt8(ascii: "b"): output.append(ASCII.backspace)
        case UInt8(ascii: "f"): output.append(ASCII.formFeed)
        case UInt8(ascii: "n"): output.append(ASCII.lineFeed)
        case UInt8(ascii: "r"): output.append(ASCII.carriageReturn)
        case UInt8(ascii: "t"): output.append(ASCII.tab)
        case UInt8(ascii: "u"):
            guard let unit = codeUnit(raw, at: index) else { return raw.count }
            if unit & 0xFC00 == 0xD800, let low = codeUnit(raw, at: index &+ 6), low & 0xFC00 == 0xDC00 {
                append(0x10000 + (UInt32(unit & 0x3FF) << 10 | UInt32(low & 0x3FF)), to: &output)
                return index &+ 12
            }
            append(UInt32(unit), to: &output)
            return index &+ 6
        case let other: output.append(other)
        }
        return index &+ 2
    }

    /// The UTF-16 code unit of the `\uXXXX` at an index, nil if there is none.
    @inlinable package static func codeUnit(_ raw: Span<UInt8>, at index: Int) -> UInt16? {
        guard index &+ 6 <= raw.count, raw[index] == ASCII.backslash, raw[index &+ 1] == UInt8(ascii: "u") else {
            return nil
        }
        var unit: UInt16 = 0
        for digit in 2..<6 {
            guard let value = ASCII.hexValue(raw[index &+ digit]) else { return nil }
            unit = unit << 4 | value
        }
        return unit
    }

    @inlinable package static func append(_ value: UInt32, to output: inout [UInt8]) {
        output.append(contentsOf: UTF8.encode(Unicode.Scalar(value) ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter)
    }
}
