// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Message tags as they stand in a line (IRCv3 message tags, format and escaping values).
enum IRCTags {
    /// Reads tags without their `@`; of a tag that stands there twice the last one counts.
    static func parse(_ text: String) -> [String: String] {
        var tags: [String: String] = [:]
        for tag in text.split(separator: ";") {
            let parts = tag.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = parts.first, !key.isEmpty else { continue }
            tags[String(key)] = parts.count > 1 ? unescape(parts[1]) : ""
        }
        return tags
    }

    /// The tags in the order of their keys, without `@`; nil when a key has a byte that keys can't have.
    static func encode(_ tags: [String: String]) -> String? {
        let texts = tags.sorted { $0.key < $1.key }.map { key, value -> String? in
            guard isKey(key) else { return nil }
            return value.isEmpty ? key : "\(key)=\(escape(value))"
        }
        guard !texts.contains(nil) else { return nil }
        return texts.compactMap(\.self).joined(separator: ";")
    }

    private static func isKey(_ text: String) -> Bool {
        let signs = Set("+-./_".utf8)
        return !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF) || signs.contains(byte)
            }
    }

    private static func unescape(_ text: Substring) -> String {
        guard text.contains("\\") else { return String(text) }
        var result = String.UnicodeScalarView()
        var isEscaped = false
        for scalar in text.unicodeScalars {
            if isEscaped {
                isEscaped = false
                switch scalar {
                case ":": result.append(";")
                case "s": result.append(" ")
                case "r": result.append("\r")
                case "n": result.append("\n")
                // An escape without a meaning stands for its character.
                default: result.append(scalar)
                }
            } else if scalar == "\\" {
                isEscaped = true
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    private static func escape(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case ";": result += "\\:"
            case " ": result += "\\s"
            case "\r": result += "\\r"
            case "\n": result += "\\n"
            case "\\": result += "\\\\"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
