// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Writes JSON as Python's `json.dumps` does: ASCII only, and never with `_EOM_` inside (nucosMQ wire, §2).
package enum JSONWriter {
    /// Appends a text as a JSON string, quotes included.
    ///
    /// What is not printable ASCII is written as `\uXXXX` (a surrogate pair above U+FFFF) or with its short escape; the
    /// first underscore of `_EOM_` as `\u005f`.
    package static func append(_ text: String, hidingEOM: Bool = false, to output: inout [UInt8]) {
        append(utf8: text.utf8.span, hidingEOM: hidingEOM, to: &output)
    }

    /// Appends a text in UTF-8 as a JSON string, quotes included; ill-formed bytes become U+FFFD.
    package static func append(utf8 text: Span<UInt8>, hidingEOM: Bool = false, to output: inout [UInt8]) {
        output.append(ASCII.quote)
        append(text, isText: true, hidingEOM, to: &output)
        output.append(ASCII.quote)
    }

    /// Appends a JSON value that is written already, with `_EOM_` and what is not ASCII escaped in its strings.
    ///
    /// - Parameter json: one valid JSON value (`JSONScanner.validate` tells); white space is left as it is.
    package static func append(json: Span<UInt8>, hidingEOM: Bool = false, to output: inout [UInt8]) {
        append(json, isText: false, hidingEOM, to: &output)
    }

    /// Appends the escape of one control character, which has no place in a JSON string as it is.
    package static func appendControl(_ byte: UInt8, to output: inout [UInt8]) {
        let bytes: [UInt8] = [byte]
        _ = appendEscaped(bytes.span, at: 0, to: &output)
    }

    /// Copies runs of harmless bytes and escapes what stands between them.
    @inline(__always)
    private static func append(
        _ bytes: Span<UInt8>,
        isText: Bool,
        _ hidingEOM: Bool,
        to output: inout [UInt8]
    ) {
        var run = 0
        var index = 0
        while true {
            index = nextStop(bytes, from: index, isText: isText, hidingEOM)
            guard index < bytes.count else { break }
            if bytes[index] == ASCII.underscore, !bytes.hasEOM(at: index) {
                index &+= 1
                continue
            }
            output.append(bytes: bytes.extracting(run..<index))
            index &+= appendEscaped(bytes, at: index, to: &output)
            run = index
        }
        output.append(bytes: bytes.extracting(run..<bytes.count))
    }

    /// The index of the first byte from an index on that may need an escape; the end if there is none.
    @inline(__always)
    private static func nextStop(
        _ bytes: Span<UInt8>,
        from start: Int,
        isText: Bool,
        _ hidingEOM: Bool
    ) -> Int {
        var index = start
        while index &+ 8 <= bytes.count {
            let word = bytes.word(at: index)
            var stops = word & ByteWord.tops
            if hidingEOM { stops |= ByteWord.equal(word, ASCII.underscore) }
            if isText { stops |= ByteWord.stringStops(word) | ByteWord.equal(word, ASCII.delete) }
            if stops != 0 { return index &+ ByteWord.firstLane(stops) }
            index &+= 8
        }
        while index < bytes.count {
            switch bytes[index] {
            case 0x80...0xFF: return index
            case ASCII.underscore: if hidingEOM { return index }
            case 0..<ASCII.space, ASCII.quote, ASCII.backslash, ASCII.delete: if isText { return index }
            default: break
            }
            index &+= 1
        }
        return index
    }

    /// Appends the escape of what stands at an index, and returns how many bytes that was.
    private static func appendEscaped(_ bytes: Span<UInt8>, at index: Int, to output: inout [UInt8]) -> Int {
        switch bytes[index] {
        case ASCII.quote: appendShort(ASCII.quote, to: &output)
        case ASCII.backslash: appendShort(ASCII.backslash, to: &output)
        case ASCII.lineFeed: appendShort(UInt8(ascii: "n"), to: &output)
        case ASCII.carriageReturn: appendShort(UInt8(ascii: "r"), to: &output)
        case ASCII.tab: appendShort(UInt8(ascii: "t"), to: &output)
        case ASCII.backspace: appendShort(UInt8(ascii: "b"), to: &output)
        case ASCII.formFeed: appendShort(UInt8(ascii: "f"), to: &output)
        case let byte where byte < 0x80: appendUnit(UInt32(byte), to: &output)
        default:
            guard let length = bytes.scalarLength(at: index) else {
                appendUnit(0xFFFD, to: &output)
                return 1
            }
            let value = bytes.scalarValue(at: index, length: length)
            if value < 0x10000 {
                appendUnit(value, to: &output)
            } else {
                appendUnit(0xD800 | (value &- 0x10000) >> 10, to: &output)
                appendUnit(0xDC00 | value & 0x3FF, to: &output)
            }
            return length
        }
        return 1
    }

    private static func appendShort(_ letter: UInt8, to output: inout [UInt8]) {
        output.append(ASCII.backslash)
        output.append(letter)
    }

    /// Appends `\uXXXX` with lower-case digits, as Python writes them.
    private static func appendUnit(_ unit: UInt32, to output: inout [UInt8]) {
        appendShort(UInt8(ascii: "u"), to: &output)
        for shift: UInt32 in [12, 8, 4, 0] { output.append(ASCII.hexDigit(unit >> shift)) }
    }
}
