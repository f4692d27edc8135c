// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIRC
import Testing

@Suite("IRC texts", .timeLimit(.minutes(3)))
struct IRCTextTests {
    @Test("a text is cut at its line ends, and empty lines are left out")
    func lines() {
        #expect(IRCText.lines(of: "a\r\nb\nc\rd\u{2028}e\u{85}f\n\n", maxBytes: 100) == ["a", "b", "c", "d", "e", "f"])
        #expect(IRCText.lines(of: "x\r\u{301}QUIT", maxBytes: 100) == ["x", "\u{301}QUIT"])
        #expect(IRCText.lines(of: "\n\r\n", maxBytes: 100).isEmpty)
        #expect(IRCText.lines(of: "", maxBytes: 100).isEmpty)
        #expect(IRCText.lines(of: "  \n a  \n", maxBytes: 100) == [" a"])
        #expect(IRCText.lines(of: "a\0b", maxBytes: 100) == ["ab"])
    }

    @Test("a long line is cut at a space, or between characters, and nothing is lost")
    func cuts() {
        #expect(IRCText.lines(of: "one two three", maxBytes: 9) == ["one two", "three"])
        #expect(IRCText.lines(of: "abcdefgh", maxBytes: 4) == ["abcd", "efgh"])
        #expect(IRCText.lines(of: "a bcdefgh", maxBytes: 6) == ["a bcde", "fgh"])
        let families = String(repeating: "👨‍👩‍👧‍👦", count: 5)
        #expect(IRCText.lines(of: families, maxBytes: 60) == ["👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"])
    }

    @Test("a character longer than a line is cut between scalars", arguments: [0, 4, 5, 7, 100])
    func hugeCharacter(_ maxBytes: Int) {
        let text = "x" + String(repeating: "\u{301}", count: 500) + "y"
        let lines = IRCText.lines(of: text, maxBytes: maxBytes)
        #expect(lines.joined() == text)
        #expect(lines.allSatisfy { $0.utf8.count <= max(4, maxBytes) })
    }

    @Test("formatting and control characters go, words and line ends stay")
    func plain() {
        #expect(IRCText.plain("\u{2}bold\u{2} \u{3}4,12red\u{3} \u{3}04x\u{f} \u{1}ACTION\u{1}") == "bold red x ACTION")
        #expect(IRCText.plain("\u{4}ff00AAred \u{4}x \u{3},5") == "red x ,5")
        #expect(IRCText.plain("\u{3}123 \u{3}1,234 \u{3}1,x") == "3 4 ,x")
        #expect(IRCText.plain("a\tb\nc\u{7f}\u{9b}世") == "a b\nc世")
    }

    @Test("what a person says is told from what programs ask")
    func spoken() {
        #expect(message("PRIVMSG #a :\u{2}hi\u{2} you")?.spoken == "hi you")
        #expect(message("PRIVMSG #a :\u{1}ACTION waves\u{1}")?.spoken == "* waves")
        #expect(message("PRIVMSG #a :\u{1}VERSION\u{1}")?.spoken == nil)
        #expect(message("NOTICE #a :hi")?.spoken == nil)
        #expect(message("PRIVMSG #a")?.spoken == nil)
    }
}
