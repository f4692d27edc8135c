// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryJSON
import Testing

@Suite("JSONWriter", .timeLimit(.minutes(3)))
struct JSONWriterTests {
    private func written(_ text: String) -> String {
        var output: [UInt8] = []
        JSONWriter.append(text, hidingEOM: true, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    private func rewritten(_ json: [UInt8]) -> String {
        var output: [UInt8] = []
        JSONWriter.append(json: json.span, hidingEOM: true, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    @Test(
        "a text is written as Python's json.dumps writes it",
        arguments: [
            ("", #""""#), ("plain", #""plain""#), ("a\"b\\c/d", #""a\"b\\c/d""#),
            ("\u{8}\u{c}\n\r\t", #""\b\f\n\r\t""#), ("\u{0}\u{1f}\u{7f}", #""\u0000\u001f\u007f""#),
            ("hé", #""h\u00e9""#), ("€", #""\u20ac""#), ("😀", #""\ud83d\ude00""#), ("\u{10ffff}", #""\udbff\udfff""#),
            ("\u{ffff}", #""\uffff""#), ("snake_case_name_EOM", #""snake_case_name_EOM""#),
        ]
    )
    func text(_ text: String, _ json: String) {
        #expect(written(text) == json)
    }

    @Test(
        "_EOM_ is never written openly",
        arguments: [
            ("_EOM_", #"\u005fEOM_"#), ("x_EOM_y", #"x\u005fEOM_y"#), ("__EOM__", #"_\u005fEOM__"#),
            ("_EOM_EOM_", #"\u005fEOM\u005fEOM_"#), ("_EOM_EOM_EOM_", #"\u005fEOM\u005fEOM\u005fEOM_"#),
            ("aaaaaaa_EOM_aaaaaaa_EOM_", #"aaaaaaa\u005fEOM_aaaaaaa\u005fEOM_"#), ("_EO", "_EO"), ("_EOM", "_EOM"),
        ]
    )
    func terminator(_ text: String, _ inner: String) {
        #expect(written(text) == "\"\(inner)\"")
        #expect(rewritten(Array(#"{"\#(text)": ["\#(text)"]}"#.utf8)) == #"{"\#(inner)": ["\#(inner)"]}"#)
    }

    @Test("a JSON value keeps its form, but becomes ASCII")
    func json() {
        #expect(rewritten(Array(#"{"k":[1, 2.5,true ,"h\u00e9"]}"#.utf8)) == #"{"k":[1, 2.5,true ,"h\u00e9"]}"#)
        #expect(rewritten(Array(#"{"clé": "😀 ok"}"#.utf8)) == #"{"cl\u00e9": "\ud83d\ude00 ok"}"#)
        #expect(rewritten(Array("\"a\u{7f}b\\n\"".utf8)) == "\"a\u{7f}b\\n\"")
        #expect(rewritten([0x22, 0xFF, 0x41, 0xE2, 0x82, 0x22]) == #""\ufffdA\ufffd\ufffd""#)
    }

    @Test("what is written reads back as the same text")
    func roundTrip() throws {
        var random = SplitMix64(seed: 3)
        let alphabet = Array("_EOM_ab\"\\\n\u{1}\u{7f}é€😀_EOM_".unicodeScalars)
        for _ in 0..<2_000 {
            var scalars = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0..<30, using: &random) {
                scalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
            }
            let text = String(scalars)
            var output: [UInt8] = []
            JSONWriter.append(text, hidingEOM: true, to: &output)
            let value = try JSONScanner.validate(output.span)
            #expect(value.text.utf8(in: output.span) == Array(text.utf8))
            #expect(output.allSatisfy { (0x20..<0x7F).contains($0) })
            #expect(!String(decoding: output, as: UTF8.self).contains("_EOM_"))
        }
    }
}
