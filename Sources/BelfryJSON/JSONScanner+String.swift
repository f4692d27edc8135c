// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension JSONScanner {
    /// Reads the string whose opening quote stands at the position, and moves behind the closing one.
    ///
    /// - Returns: the text between the quotes.
    @inline(__always)
    @inlinable package mutating func string(_ bytes: Span<UInt8>) throws(JSONFault) -> JSONText {
        let start = position &+ 1
        var index = start
        // Nearly all strings are one run of ASCII without escapes: look at eight bytes at a time.
        while index &+ 8 <= bytes.count {
            let stops = ByteWord.stringStops(bytes.word(at: index))
            if stops == 0 {
                index &+= 8
                if index &+ ByteBlock.count <= bytes.count { index = Self.plainRun(bytes, from: index) }
                continue
            }
            index &+= ByteWord.firstLane(stops)
            if bytes[index] == ASCII.quote {
                position = index &+ 1
                return JSONText(range: start..<index, isPlain: true)
            }
            break
        }
        return try slowString(bytes, from: start, at: index)
    }

    /// The index up to which a long string goes on as a plain run, as far as it is looked at in blocks.
    ///
    /// Apart, so that the compiler sees through the loop for short ones.
    @inline(never)
    @usableFromInline package static func plainRun(_ bytes: Span<UInt8>, from start: Int) -> Int {
        ByteBlock.endOfRun(bytes, from: start) { !ByteBlock.hasStringStop($0) }
    }

    /// Goes on with a string that has an escape, is not ASCII, is wrong, or ends with the bytes.
    @inline(never)
    @usableFromInline package mutating func slowString(
        _ bytes: Span<UInt8>,
        from start: Int,
        at first: Int
    ) throws(JSONFault) -> JSONText {
        var index = first
        var isPlain = true
        while index < bytes.count {
            let byte = bytes[index]
            if byte == ASCII.quote {
                position = index &+ 1
                return JSONText(range: start..<index, isPlain: isPlain)
            } else if byte == ASCII.backslash {
                isPlain = false
                index = try Self.escape(bytes, at: index)
            } else if byte < ASCII.space {
                throw JSONFault(.controlCharacter, at: index)
            } else if byte < 0x80 {
                index &+= 1
            } else {
                guard let length = bytes.scalarLength(at: index) else { throw JSONFault(.invalidUTF8, at: index) }
                index &+= length
                // What follows such a scalar is mostly another one.
                continue
            }
            while index &+ 8 <= bytes.count {
                let stops = ByteWord.stringStops(bytes.word(at: index))
                if stops != 0 {
                    index &+= ByteWord.firstLane(stops)
                    break
                }
                index &+= 8
            }
        }
        throw JSONFault(.unexpectedEnd, at: bytes.count)
    }

    /// Checks the escape that starts at an index and returns the index behind it.
    @inlinable package static func escape(_ bytes: Span<UInt8>, at index: Int) throws(JSONFault) -> Int {
        guard index &+ 1 < bytes.count else { throw JSONFault(.unexpectedEnd, at: bytes.count) }
        switch bytes[index &+ 1] {
        case ASCII.quote, ASCII.backslash, ASCII.slash, UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            return index &+ 2
        case UInt8(ascii: "u"):
            for digit in 2..<6 {
                guard index &+ digit < bytes.count else { throw JSONFault(.unexpectedEnd, at: bytes.count) }
                guard ASCII.hexValue(bytes[index &+ digit]) != nil else { throw JSONFault(.badEscape, at: index) }
            }
            return index &+ 6
        default:
            throw JSONFault(.badEscape, at: index)
        }
    }
}
