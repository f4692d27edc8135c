// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A text file of the repository.
struct SourceFile: Sendable {
    /// The path below the repository's root.
    let path: String
    let text: String

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    var lineCount: Int { text.utf8.count { $0 == UInt8(ascii: "\n") } }

    /// The folder below `Sources`, which is the target's name; nil elsewhere.
    var target: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    /// The modules that its import lines name.
    var imports: [String] {
        lines.compactMap { line in
            var words = line.split(separator: " ")
            while let first = words.first, first.hasPrefix("@") || Self.importModifiers.contains(String(first)) {
                words.removeFirst()
            }
            guard words.first == "import", words.count > 1 else { return nil }
            // `import struct Foundation.Data` names the module in the second place.
            let named = Self.importKinds.contains(String(words[1])) && words.count > 2 ? words[2] : words[1]
            return named.split(separator: ".").first.map(String.init)
        }
    }

    private static let importModifiers: Set = ["public", "package", "internal", "fileprivate", "private"]
    private static let importKinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]

    /// The lines with comments and the insides of string literals blanked, so that only code is left.
    ///
    /// Good enough for searching: interpolations count as text.
    var code: [String] {
        var isInBlockString = false
        return lines.map { line in
            if line.contains("\"\"\"") {
                isInBlockString.toggle()
                return ""
            }
            if isInBlockString { return "" }
            return Self.code(of: line)
        }
    }

    private static func code(of line: Substring) -> String {
        var code = ""
        var isInString = false
        var isEscaped = false
        for character in line {
            if isInString {
                if !isEscaped, character == "\"" { isInString = false }
                isEscaped = !isEscaped && character == "\\"
                continue
            }
            if character == "\"" { isInString = true }
            if character == "/", code.last == "/" { return String(code.dropLast()) }
            code.append(character)
        }
        return code
    }

    /// Whether the line with this index, its trailing comment, or the comments and attributes right above say it.
    func isExplained(at index: Int, by phrase: String) -> Bool {
        if lines[index].contains(phrase) { return true }
        for line in lines[..<index].reversed() {
            let trimmed = line.drop { $0 == " " }
            guard trimmed.hasPrefix("//") || trimmed.hasPrefix("@") else { return false }
            if trimmed.contains(phrase) { return true }
        }
        return false
    }
}
