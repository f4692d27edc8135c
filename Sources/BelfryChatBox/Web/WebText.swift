// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What the server says to the page: JSON as Python's `json.dumps` writes it.
enum WebText {
    /// Who speaks for the other side, and for the server itself.
    static let service = "ChatBoxService"
    /// Who speaks for the page's own user.
    static let you = "you"
    static let greeting = message("waiting for response", by: service)

    /// `{"auther": …, "content": …}`, in ASCII; the first name is spelled so on the wire.
    static func message(_ content: String, by author: String) -> String {
        "{\"auther\": \(string(author)), \"content\": \(string(content))}"
    }

    private static func string(_ text: String) -> String {
        var json: [UInt8] = [0x22]
        for unit in text.utf16 {
            switch unit {
            case 0x22, 0x5C: json += [0x5C, UInt8(truncatingIfNeeded: unit)]
            case 0x08: json += "\\b".utf8
            case 0x09: json += "\\t".utf8
            case 0x0A: json += "\\n".utf8
            case 0x0C: json += "\\f".utf8
            case 0x0D: json += "\\r".utf8
            case 0x20..<0x80: json.append(UInt8(truncatingIfNeeded: unit))
            default:
                json += "\\u".utf8
                for shift in [12, 8, 4, 0] as [UInt16] { json.append(digits[Int(unit >> shift & 0xF)]) }
            }
        }
        json.append(0x22)
        return String(decoding: json, as: UTF8.self)
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
