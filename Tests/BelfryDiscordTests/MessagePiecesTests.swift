// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BelfryDiscord

@Suite("Long texts for Discord", .timeLimit(.minutes(3)))
struct MessagePiecesTests {
    @Test(
        "texts are cut at lines, else at blanks, else anywhere",
        arguments: [
            ("", []), (" \n ", []), ("hello", ["hello"]), (" hello ", ["hello"]), ("0123456789", ["0123456789"]),
            ("0123456789a", ["0123456789", "a"]), ("aaaaaaa bbb", ["aaaaaaa", "bbb"]),
            ("aaaaaa\nb bbb", ["aaaaaa", "b bbb"]), ("aaaaaaaaaa bbb", ["aaaaaaaaaa", "bbb"]),
            ("a bbbbbbbbbbbb", ["a bbbbbbbb", "bbbb"]), ("aaaaaa    \n\n\n   bbb", ["aaaaaa", "bbb"]),
            ("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", ["👩‍👩‍👧‍", "👦", "👩‍👩‍👧‍", "👦"]),
            ("ééééé\u{1F600}\u{1F600}\u{1F600}", ["ééééé\u{1F600}\u{1F600}", "\u{1F600}"]),
        ]
    )
    func cuts(_ text: String, _ pieces: [String]) {
        #expect(MessagePieces.pieces(of: text, max: 10) == pieces)
    }

    @Test("whatever the text, every piece fits, none is blank, and nothing but white space is lost")
    func everything() {
        var seed: UInt64 = 3
        let alphabet = "ab \n\té☃😀👩‍👩‍👧".map(String.init) + ["\u{301}", "\r\n"]
        for _ in 0..<500 {
            var text = ""
            for _ in 0..<60 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text.append(alphabet[Int(truncatingIfNeeded: seed >> 33) % alphabet.count])
            }
            let pieces = MessagePieces.pieces(of: text, max: 12)
            let isSound = pieces.allSatisfy { $0.utf16.count <= 12 && $0.contains { !$0.isWhitespace } }
            #expect(isSound, "\(text)")
            let all = pieces.flatMap { $0.filter { !$0.isWhitespace }.unicodeScalars }
            #expect(all == Array(text.filter { !$0.isWhitespace }.unicodeScalars), "\(text)")
        }
    }

    @Test("a long text takes pieces of 2,000")
    func long() {
        let pieces = MessagePieces.pieces(of: String(repeating: "x", count: 4_001))
        #expect(pieces.map(\.count) == [2_000, 2_000, 1])
    }
}
