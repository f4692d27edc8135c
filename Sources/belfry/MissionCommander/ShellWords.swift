// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Words as a POSIX shell reads and writes them: quotes and backslashes, but no comments and no expansion.
enum ShellWords {
    /// Why a line has no words.
    enum Fault: Error, Hashable {
        /// A quote is opened and not closed.
        case openQuote(Unicode.Scalar)
        /// A backslash stands at the end of the line.
        case loneBackslash

        /// One line that says what is wrong and what helps.
        var text: String {
            switch self {
            case .openQuote(let quote): "Unterminated quote: close the \(quote), or write \\\(quote) for a plain one"
            case .loneBackslash: "Nothing after the backslash: write \\\\ for a plain one"
            }
        }
    }

    private enum Place: Hashable {
        case between, inWord, inQuotes(Unicode.Scalar)
    }

    /// Splits a line at blanks (POSIX.1-2017, Shell & Utilities, 2.2).
    ///
    /// - Throws: `Fault` for a quote or a backslash that is left open.
    static func split(_ line: String) throws(Fault) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        var place = Place.between
        var scalars = line.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            switch (place, scalar) {
            case (.inQuotes(let quote), _) where scalar == quote: place = .inWord
            case (.inQuotes("\""), "\\"):
                guard let next = scalars.next() else { throw .openQuote("\"") }
                // Between double quotes it is a backslash like any other unless one of these follows.
                if !"\"\\$`".unicodeScalars.contains(next) { word.append("\\") }
                word.append(next)
            case (.inQuotes, _): word.append(scalar)
            case (_, "'"), (_, "\""): place = .inQuotes(scalar)
            case (_, "\\"):
                guard let next = scalars.next() else { throw .loneBackslash }
                word.append(next)
                place = .inWord
            case (_, " "), (_, "\t"), (_, "\r"), (_, "\n"):
                if place == .inWord { words.append(String(word)) }
                word = String.UnicodeScalarView()
                place = .between
            default:
                word.append(scalar)
                place = .inWord
            }
        }
        if case .inQuotes(let quote) = place { throw .openQuote(quote) }
        if place == .inWord { words.append(String(word)) }
        return words
    }

    /// One word for a shell: as it is if no shell would mind, else in single quotes.
    static func quote(_ word: String) -> String {
        if !word.isEmpty, word.unicodeScalars.allSatisfy(isPlain) { return word }
        // A single quote is closed, put between double ones, and opened again.
        let inside = word.unicodeScalars.map { $0 == "'" ? "'\"'\"'" : String($0) }.joined()
        return "'\(inside)'"
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9": true
        default: "_@%+=:,./-".unicodeScalars.contains(scalar)
        }
    }
}
