// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A validating JSON reader (RFC 8259) that allocates nothing and gives ranges.
///
/// It holds only a position; the bytes are passed to each call, and must be the same each time. Everything is checked:
/// grammar, escapes, UTF-8, numbers, and nesting to at most `maxDepth`. Lone surrogates written as `\uXXXX` are let
/// through, as RFC 8259 §8.2 allows and Python writes them. After a throw the position is unspecified.
@usableFromInline package struct JSONScanner {
    /// Arrays and objects may be nested this deeply in one value.
    @inlinable package static var maxDepth: Int { 64 }

    /// The index of the next byte to be read.
    @usableFromInline package var position: Int

    /// A scanner that starts at an index.
    @inlinable package init(at position: Int = 0) {
        self.position = position
    }

    /// Checks that the bytes are one JSON value with nothing but white space around it.
    ///
    /// - Throws: the first fault.
    @inlinable package static func validate(_ bytes: Span<UInt8>) throws(JSONFault) -> JSONValue {
        var scanner = JSONScanner()
        scanner.skipWhitespace(bytes)
        let value = try scanner.value(bytes)
        scanner.skipWhitespace(bytes)
        guard scanner.position == bytes.count else { throw JSONFault(.trailingBytes, at: scanner.position) }
        return value
    }

    /// Moves to the next byte that is not white space, or to the end.
    @inline(__always)
    @inlinable package mutating func skipWhitespace(_ bytes: Span<UInt8>) {
        while position < bytes.count {
            switch bytes[position] {
            case ASCII.space, ASCII.lineFeed, ASCII.carriageReturn, ASCII.tab: position &+= 1
            default: return
            }
        }
    }

    /// The byte at the position.
    ///
    /// - Throws: `unexpectedEnd` if there is none.
    @inline(__always)
    @inlinable package func peek(_ bytes: Span<UInt8>) throws(JSONFault) -> UInt8 {
        guard position < bytes.count else { throw JSONFault(.unexpectedEnd, at: bytes.count) }
        return bytes[position]
    }

    /// Reads one given byte.
    ///
    /// - Throws: `unexpectedByte` if another one stands here.
    @inline(__always)
    @inlinable package mutating func expect(_ byte: UInt8, _ bytes: Span<UInt8>) throws(JSONFault) {
        guard try peek(bytes) == byte else { throw JSONFault(.unexpectedByte, at: position) }
        position &+= 1
    }

    /// Reads a member's name, the colon and the white space around it.
    @inline(__always)
    @inlinable package mutating func name(_ bytes: Span<UInt8>) throws(JSONFault) -> JSONText {
        guard try peek(bytes) == ASCII.quote else { throw JSONFault(.unexpectedByte, at: position) }
        let text = try string(bytes)
        skipWhitespace(bytes)
        try expect(ASCII.colon, bytes)
        skipWhitespace(bytes)
        return text
    }

    /// Reads the value that starts at the position, and moves behind it.
    @inlinable package mutating func value(_ bytes: Span<UInt8>) throws(JSONFault) -> JSONValue {
        let start = position
        let kind: JSONValue.Kind
        switch try peek(bytes) {
        case ASCII.quote:
            let text = try string(bytes)
            return JSONValue(kind: .string, range: start..<position, isPlain: text.isPlain)
        case ASCII.openBrace:
            kind = .object
            try container(bytes)
        case ASCII.openBracket:
            kind = .array
            try container(bytes)
        default:
            kind = try scalar(bytes)
        }
        return JSONValue(kind: kind, range: start..<position, isPlain: true)
    }

    /// Reads an array or object with all that is in it, without recursion.
    @inlinable package mutating func container(_ bytes: Span<UInt8>) throws(JSONFault) {
        var depth = 0
        // One bit for each open bracket, the innermost lowest: 1 is an object. `maxDepth` fits exactly.
        var objects: UInt64 = 0
        while true {
            let byte = try peek(bytes)
            if byte == ASCII.openBrace || byte == ASCII.openBracket {
                guard depth < Self.maxDepth else { throw JSONFault(.tooDeep, at: position) }
                let isObject = byte == ASCII.openBrace
                depth &+= 1
                objects = objects << 1 | (isObject ? 1 : 0)
                position &+= 1
                skipWhitespace(bytes)
                if try peek(bytes) != (isObject ? ASCII.closeBrace : ASCII.closeBracket) {
                    if isObject { _ = try name(bytes) }
                    continue
                }
            } else if byte == ASCII.quote {
                _ = try string(bytes)
            } else {
                _ = try scalar(bytes)
            }
            // A value has just ended (or an empty bracket is about to): what may follow?
            while true {
                skipWhitespace(bytes)
                let next = try peek(bytes)
                if next == ASCII.comma {
                    position &+= 1
                    skipWhitespace(bytes)
                    if objects & 1 == 1 { _ = try name(bytes) }
                    break
                }
                guard next == (objects & 1 == 1 ? ASCII.closeBrace : ASCII.closeBracket) else {
                    throw JSONFault(.unexpectedByte, at: position)
                }
                position &+= 1
                depth &-= 1
                objects >>= 1
                if depth == 0 { return }
            }
        }
    }
}
