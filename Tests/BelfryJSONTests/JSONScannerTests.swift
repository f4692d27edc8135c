// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import Testing

@Suite("JSONScanner", .timeLimit(.minutes(3)))
struct JSONScannerTests {
    private func fault(_ bytes: [UInt8]) -> JSONFault.Rule? {
        do throws(JSONFault) {
            _ = try JSONScanner.validate(bytes.span)
            return nil
        } catch {
            return error.rule
        }
    }

    @Test(
        "valid JSON is let through",
        arguments: [
            "null", "true", "false", "0", "-0", "1", "-1", "10", "1.5", "-0.25", "1e9", "1E+9", "1e-9", "0.0e0",
            "123456789012345678901234567890", "1e999999", #""""#, #""a""#, #""\"\\\/\b\f\n\r\t""#, #""\u00e9""#,
            #""\uD83D\uDE00""#, #""\ud800""#, #""\uDFFFx""#, #""é€😀""#, "\"\u{7f}\"", "[]", "{}", " [ ] ", "\t{\n}\r ",
            "[1]", "[1,2 , 3]", #"{"a":1}"#, #"{"a" : {"b":[]} , "c":""}"#, #"[[],{},[{}]]"#, #"{"":{"":""}}"#,
            #""0123456789abcdef0123456789abcdef""#, #"["_EOM", "EOM_"]"#,
        ]
    )
    func valid(_ text: String) {
        #expect(fault(Array(text.utf8)) == nil)
    }

    @Test(
        "invalid JSON is refused with its rule",
        arguments: [
            ("", .unexpectedEnd), (" ", .unexpectedEnd), ("[", .unexpectedEnd), ("{", .unexpectedEnd),
            (#"""#, .unexpectedEnd), (#""abc"#, .unexpectedEnd), (#""abcdefghij"#, .unexpectedEnd),
            (#""\"#, .unexpectedEnd), (#""\u12"#, .unexpectedEnd), ("[1", .unexpectedEnd), ("[1,", .unexpectedEnd),
            (#"{"a""#, .unexpectedEnd), (#"{"a":"#, .unexpectedEnd), (#"{"a":1"#, .unexpectedEnd),
            ("]", .unexpectedByte), ("}", .unexpectedByte), (",", .unexpectedByte), ("[,]", .unexpectedByte),
            ("[1,]", .unexpectedByte), ("[1 2]", .unexpectedByte), ("[1}", .unexpectedByte), ("{]", .unexpectedByte),
            (#"{"a":1]"#, .unexpectedByte), ("{1:2}", .unexpectedByte), (#"{"a" 1}"#, .unexpectedByte),
            (#"{"a":1,}"#, .unexpectedByte), (#"{"a":}"#, .unexpectedByte), ("'a'", .unexpectedByte),
            ("NaN", .unexpectedByte), ("Infinity", .unexpectedByte), ("+1", .unexpectedByte), (".5", .unexpectedByte),
            ("-Infinity", .badNumber), ("-", .badNumber), ("1.", .badNumber), ("1.e5", .badNumber), ("1e", .badNumber),
            ("1e+", .badNumber), ("-a", .badNumber), ("01", .trailingBytes), ("-01", .trailingBytes),
            ("0x1", .trailingBytes), ("1 2", .trailingBytes), ("{}{}", .trailingBytes), ("\"\"\"", .trailingBytes),
            ("tru", .badLiteral), ("True", .unexpectedByte), ("fals", .badLiteral), ("falsE", .badLiteral),
            ("nul", .badLiteral), ("nulll", .trailingBytes), (#""\x""#, .badEscape), (#""\u12g4""#, .badEscape),
            (#""\U0041""#, .badEscape), ("\"a\nb\"", .controlCharacter), ("\"\u{0}\"", .controlCharacter),
            ("\"0123456789\u{1f}0123\"", .controlCharacter), ("\u{feff}1", .unexpectedByte),
        ] as [(String, JSONFault.Rule)]
    )
    func invalid(_ text: String, _ rule: JSONFault.Rule) {
        #expect(fault(Array(text.utf8)) == rule)
    }

    @Test(
        "ill-formed UTF-8 in a string is refused",
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x9F, 0xBF], [0xE1, 0x80],
            [0xED, 0xA0, 0x80], [0xEF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80],
            [0xFF], [0xF1, 0x80, 0x80], [0xE2, 0x82, 0xC0], [0xF1, 0x80, 0x80, 0xC0],
        ] as [[UInt8]]
    )
    func illFormed(_ bytes: [UInt8]) {
        for padding in 0..<10 {
            let text = [UInt8(ascii: "\"")] + Array(repeating: UInt8(ascii: "a"), count: padding) + bytes
            #expect(fault(text + Array("bcdefghijk\"".utf8)) == .invalidUTF8)
            #expect(fault(text + [UInt8(ascii: "\"")]) == .invalidUTF8)
        }
    }

    @Test("every scalar's UTF-8 is let through")
    func allScalars() {
        var text = [UInt8(ascii: "\"")]
        for value in UInt32(0x80)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value), value % 7 == 0 || value < 0x1000 else { continue }
            text += Array(String(scalar).utf8)
        }
        #expect(fault(text + [UInt8(ascii: "\"")]) == nil)
    }

    @Test("nesting is let through up to the bound and not beyond", arguments: ["[", #"{"a":"#])
    func depth(_ open: String) {
        let close = open == "[" ? "]" : "}"
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: open, count: depth) + "0" + String(repeating: close, count: depth)).utf8)
        }
        #expect(fault(nested(JSONScanner.maxDepth)) == nil)
        #expect(fault(nested(JSONScanner.maxDepth + 1)) == .tooDeep)
        #expect(fault(Array(String(repeating: open, count: 100_000).utf8)) == .tooDeep)
    }

    @Test("each quote, escape and fault is found wherever it stands in a word")
    func positions() {
        for length in 0..<40 {
            let run = Array(repeating: UInt8(ascii: "x"), count: length)
            let quote = [UInt8(ascii: "\"")]
            #expect(fault(quote + run + quote) == nil)
            #expect(fault(quote + run + Array(#"\n""#.utf8)) == nil)
            #expect(fault(quote + run + [0x1F] + run + quote) == .controlCharacter)
            #expect(fault(quote + run) == .unexpectedEnd)
        }
    }

    @Test(
        "a string is decoded",
        arguments: [
            (#""""#, ""), (#""plain""#, "plain"), (#""a\"b\\c\/d""#, #"a"b\c/d"#),
            (#""\b\f\n\r\t""#, "\u{8}\u{c}\n\r\t"),
            (#""h\u00e9""#, "hé"), (#""\ud83d\ude00""#, "😀"), (#""\uD83D\uDE00!""#, "😀!"), (#""\ud83d""#, "\u{FFFD}"),
            (#""\ude00x""#, "\u{FFFD}x"), (#""\ud83d\u0041""#, "\u{FFFD}A"), (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"),
            (#""\u0000""#, "\u{0}"), (#""é€😀\n""#, "é€😀\n"), (#""x\u005fEOM_y""#, "x_EOM_y"),
        ]
    )
    func decoding(_ json: String, _ text: String) throws {
        let bytes = Array(json.utf8)
        let value = try JSONScanner.validate(bytes.span)
        #expect(value.text.string(in: bytes.span) == text)
        #expect(value.text.isPlain == !json.contains("\\"))
        #expect(value.text.equals(text, in: bytes.span) as Bool)
        #expect(!value.text.equals(text + "x", in: bytes.span) as Bool)
        #expect(!value.text.equals("y" + text, in: bytes.span) as Bool)
    }

    @Test("a text's range that does not belong to the bytes gives nothing")
    func foreignRange() throws {
        let bytes = Array(#""abcdef""#.utf8)
        let text = try JSONScanner.validate(bytes.span).text
        let other: [UInt8] = [1, 2]
        #expect(text.string(in: other.span).isEmpty as Bool)
        #expect(text.utf8(in: other.span).isEmpty as Bool)
        #expect(!text.equals("abcdef", in: other.span) as Bool)
    }
}
