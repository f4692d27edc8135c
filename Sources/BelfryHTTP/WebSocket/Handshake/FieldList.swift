// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Reads values of fields that are lists (RFC 9110, §5.6).
enum FieldList {
    /// The elements between commas, without the blanks around them and without empty ones; commas in quotes don't count.
    static func elements(_ value: String) -> [Substring] { split(value[...], at: ",") }

    /// Whether a list has an element, in any case.
    static func contains(_ value: String?, _ wanted: String) -> Bool {
        guard let value else { return false }
        return elements(value).contains { $0.lowercased() == wanted }
    }

    static func split(_ value: Substring, at separator: Character) -> [Substring] {
        var found: [Substring] = []
        var (start, index, isQuoted) = (value.startIndex, value.startIndex, false)
        while index < value.endIndex {
            let character = value[index]
            if isQuoted, character == "\\" {
                index = value.index(after: index)
                guard index < value.endIndex else { break }
            } else if character == "\"" {
                isQuoted.toggle()
            } else if !isQuoted, character == separator {
                found.append(trimmed(value[start..<index]))
                start = value.index(after: index)
            }
            index = value.index(after: index)
        }
        found.append(trimmed(value[start...]))
        return found.filter { !$0.isEmpty }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
