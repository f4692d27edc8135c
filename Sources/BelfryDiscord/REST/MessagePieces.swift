// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Cuts texts into messages that Discord takes: at most 2,000 characters, and none blank.
enum MessagePieces {
    /// Characters of a message; counted in UTF-16, of which there are never fewer than characters of any kind.
    static let maxCharacters = 2_000

    /// The pieces in their order.
    ///
    /// Cut at a line's end where there is one in the second half, else at a blank, else anywhere
    /// between characters. White space around the cuts goes away, as it does around a message.
    static func pieces(of text: String, max: Int = maxCharacters) -> [String] {
        var pieces: [String] = []
        var rest = trimmed(text[...])
        while !rest.isEmpty {
            let end = cut(rest, max)
            let piece = trimmed(rest[..<end])
            if !piece.isEmpty { pieces.append(String(piece)) }
            rest = trimmed(rest[end...])
        }
        return pieces
    }

    private static func cut(_ text: Substring, _ max: Int) -> Substring.Index {
        // The common case, found out without walking a long text.
        guard let limit = text.utf16.index(text.startIndex, offsetBy: max, limitedBy: text.endIndex),
            limit < text.endIndex
        else { return text.endIndex }
        let half = text.utf16.index(text.startIndex, offsetBy: max / 2)
        var line: Substring.Index?
        var blank: Substring.Index?
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            // A blank may stand behind the last character of a message.
            if index >= half, text[index].isWhitespace {
                blank = index
                if text[index].isNewline { line = index }
            }
            guard next <= limit else { break }
            index = next
        }
        if let found = line ?? blank, found > text.startIndex { return found }
        if index > text.startIndex { return index }
        // One character of more code units than a message has: between its scalars then.
        let scalar = text.unicodeScalars.index(after: text.startIndex)
        var end = scalar
        while end < limit {
            let next = text.unicodeScalars.index(after: end)
            guard next <= limit else { break }
            end = next
        }
        return end
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
