// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryTerminal
import Testing

@Suite("Keys are read as UTF-8", .timeLimit(.minutes(3)))
struct KeyDecoderTests {
    @Test("keys come out the same however their bytes are cut")
    func splits() {
        let text = "aü世👋\u{1B}[A\u{10FFFF}z"
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            var decoder = KeyDecoder()
            var read = String.UnicodeScalarView()
            for part in [bytes[..<cut], bytes[cut...]] {
                decoder.append(part)
                while let key = decoder.next() { read.append(key) }
            }
            #expect(String(read) == text, "cut at \(cut)")
        }
    }

    @Test(
        "what is not UTF-8 becomes a replacement and loses nothing else",
        arguments: [
            ([0xFF, 0x61], "\u{FFFD}a"), ([0xC3, 0x61], "\u{FFFD}a"), ([0x80], "\u{FFFD}"),
            ([0xED, 0xA0, 0x80, 0x61], "\u{FFFD}a"), ([0xE4, 0xB8, 0x61], "\u{FFFD}a"),
            ([0xC0, 0xAF], "\u{FFFD}\u{FFFD}"),
        ] as [([UInt8], String)]
    )
    func repair(_ bytes: [UInt8], _ text: String) {
        var decoder = KeyDecoder()
        decoder.append(bytes)
        var read = String.UnicodeScalarView()
        while let key = decoder.next() { read.append(key) }
        #expect(String(read) == text)
    }

    @Test("half a character waits for its rest")
    func waits() {
        var decoder = KeyDecoder()
        decoder.append([0xE4, 0xB8])
        #expect(decoder.next() == nil)
        decoder.append([0x96])
        #expect(decoder.next() == "世")
        #expect(decoder.next() == nil)
    }
}
