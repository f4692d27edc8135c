// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What people say, made fit for lines of IRC, and the other way round.
public enum IRCText {
    /// Cuts a text into what fits in lines: at its own line ends, then at spaces, then between characters.
    ///
    /// Empty lines are left out, and so are NULs and spaces at the end of what fits. A character of a person's eye (a grapheme) is cut only if it alone is
    /// longer than a line, and then between Unicode scalars; UTF-8 always stays whole.
    ///
    /// - Parameters:
    ///   - text: Any text.
    ///   - maxBytes: The most bytes of UTF-8 in a line; below 4 means 4.
    public static func lines(of text: String, maxBytes: Int) -> [String] {
        let limit = max(4, maxBytes)
        var result: [String] = []
        // By scalars: to Swift, CR with a combining mark is no line end, but to IRC it is one.
        for line in text.unicodeScalars.split(whereSeparator: isLineEnd) {
            let clean = String(String.UnicodeScalarView(line.lazy.filter { $0 != "\0" }))
            var rest = clean[...]
            while !rest.isEmpty {
                // Servers drop spaces at the end, and refuse what is then empty.
                var piece = cut(&rest, limit)
                while piece.unicodeScalars.last == " " { piece.unicodeScalars.removeLast() }
                if !piece.isEmpty { result.append(piece) }
            }
        }
        return result
    }

    /// A text without control characters and without the codes by which IRC programs colour and format.
    ///
    /// Line ends stay; a tabulator becomes a space. For what goes from IRC to others, and from others to IRC, where
    /// such codes could hide commands to programs (CTCP).
    public static func plain(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "\n", "\r": result.append(scalar)
            case "\t": result.append(" ")
            case "\u{3}": dropColours(&scalars, digits: 2) { ("0"..."9").contains($0) }
            case "\u{4}": dropColours(&scalars, digits: 6) { $0.properties.isASCIIHexDigit }
            default: if scalar.properties.generalCategory != .control { result.append(scalar) }
            }
        }
        return String(result)
    }

    /// Line feed to carriage return, next line, line and paragraph separator, as `Character.isNewline` has them.
    private static func isLineEnd(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0A...0x0D, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }

    /// Takes the next piece off the front of a text that is not empty.
    private static func cut(_ text: inout Substring, _ limit: Int) -> String {
        var end = text.startIndex
        var bytes = 0
        var space: String.Index?
        while end < text.endIndex {
            let next = text.index(after: end)
            bytes += text[end..<next].utf8.count
            if bytes > limit { break }
            if text[end] == " ", bytes > limit / 2 { space = next }
            end = next
        }
        if end < text.endIndex, let space { end = space }
        if end == text.startIndex { end = scalarsEnd(of: text, limit) }
        defer { text = text[end...] }
        return String(text[..<end])
    }

    /// Where the scalars end that fit, for a grapheme that does not; at least one scalar, which has at most 4 bytes.
    private static func scalarsEnd(of text: Substring, _ limit: Int) -> String.Index {
        var end = text.startIndex
        var bytes = 0
        for index in text.unicodeScalars.indices {
            bytes += UTF8.width(text.unicodeScalars[index])
            if bytes > limit { break }
            end = text.unicodeScalars.index(after: index)
        }
        return end
    }

    /// Drops a colour behind its code: digits, and a comma with digits for the background.
    private static func dropColours(
        _ scalars: inout String.UnicodeScalarView.SubSequence,
        digits: Int,
        _ isDigit: (Unicode.Scalar) -> Bool
    ) {
        func count(_ text: String.UnicodeScalarView.SubSequence) -> Int {
            text.prefix(digits).prefix(while: isDigit).count
        }
        let first = count(scalars)
        guard first > 0 else { return }
        scalars = scalars.dropFirst(first)
        guard scalars.first == "," else { return }
        let second = count(scalars.dropFirst())
        if second > 0 { scalars = scalars.dropFirst(second + 1) }
    }
}
