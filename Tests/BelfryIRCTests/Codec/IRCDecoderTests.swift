// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIRC
import Testing

@Suite("IRC decoder", .timeLimit(.minutes(3)))
struct IRCDecoderTests {
    struct Row: Sendable {
        let line: String
        let message: IRCMessage
    }

    static let rows: [Row] = [
        Row(line: "PING", message: .init("PING")),
        Row(line: "ping :irc.test", message: .init("PING", ["irc.test"])),
        Row(
            line: ":ann!a@host PRIVMSG #tea :hello, world",
            message: .init(
                "PRIVMSG",
                ["#tea", "hello, world"],
                prefix: .init("ann", user: "a", host: "host")
            )
        ),
        Row(
            line: ":irc.test 001 belfry :Welcome",
            message: .init("001", ["belfry", "Welcome"], prefix: .init("irc.test"))
        ),
        Row(line: ":ann@host QUIT :", message: .init("QUIT", [""], prefix: .init("ann", host: "host"))),
        Row(line: ":ann  JOIN   #tea  ", message: .init("JOIN", ["#tea"], prefix: .init("ann"))),
        Row(line: "TOPIC #tea ::colon :inside", message: .init("TOPIC", ["#tea", ":colon :inside"])),
        Row(line: "MODE #tea a:b -o c", message: .init("MODE", ["#tea", "a:b", "-o", "c"])),
        Row(
            line: "@time=2026-01-02T03:04:05.006Z;a\\b=;+x/y=\\:\\s\\\\\\r\\n\\q\\ :s NOTICE * :世界",
            message: .init(
                "NOTICE",
                ["*", "世界"],
                prefix: .init("s"),
                tags: ["time": "2026-01-02T03:04:05.006Z", "a\\b": "", "+x/y": "; \\\r\nq"]
            )
        ),
        Row(line: "@a=1;a=2;;=3 PING", message: .init("PING", tags: ["a": "2"])),
        Row(
            line: "353 a b c d e f g h i j k l m n o p q",
            message: .init(
                "353",
                "a b c d e f g h i j k l m n o p q".split(separator: " ").map(String.init)
            )
        ),
    ]

    static let stream = rows.flatMap { Array($0.line.utf8) + Array("\r\n".utf8) }

    @Test("a line is read into its parts", arguments: rows)
    func table(_ row: Row) { #expect(message(row.line) == row.message) }

    @Test("a stream cut in two at any byte, or into single bytes, gives the same and leaves nothing behind")
    func everyCut() {
        let whole = Self.rows.map { IRCDecoder.Part.message($0.message) }
        for cut in 0...Self.stream.count {
            let (parts, buffered) = decode(Self.stream, cuts: [cut])
            #expect(parts == whole)
            #expect(buffered == 0)
        }
        #expect(decode(Self.stream, cuts: Array(1..<Self.stream.count)).parts == whole)
    }

    @Test("LF alone ends a line, empty lines are nothing")
    func lineEnds() {
        let parts = decode(Array("A\nB\r\n\r\n\n\r\nC\n".utf8)).parts
        #expect(parts == ["A", "B", "C"].map { .message(IRCMessage($0)) })
    }

    @Test("bytes that are no UTF-8 are replaced, and the message is read")
    func notUTF8() {
        let parts = decode(Array("PRIVMSG #a :caf".utf8) + [0xE9, 0x20, 0xFF, 0x0A]).parts
        #expect(parts == [.message(IRCMessage("PRIVMSG", ["#a", "caf\u{FFFD} \u{FFFD}"]))])
    }

    @Test(
        "what is no message is told and skipped",
        arguments: [
            ("A\0B", IRCMalformed.forbiddenByte), ("A :x\ry", .forbiddenByte), (":only", .noCommand),
            ("12 x", .noCommand),
            ("1234", .noCommand), ("A1 x", .noCommand), ("@tags", .noCommand), (" ", .noCommand), ("Ä", .noCommand),
        ]
    )
    func malformed(_ line: String, _ why: IRCMalformed) {
        #expect(decode(Array("\(line)\r\nPING\r\n".utf8)).parts == [.malformed(why), .message(IRCMessage("PING"))])
    }

    @Test("a line at the bound is read, one byte more is told once, however it arrives")
    func bound() {
        let longest = "A " + String(repeating: "x", count: 508)
        for tags in ["", "@" + String(repeating: "t", count: 8189) + " "] {
            for extra in ["", "x"] {
                let bytes = Array("\(tags)\(longest)\(extra)\r\nPING\n".utf8)
                for cuts in [[], [bytes.count / 2], Array(1..<bytes.count)] {
                    let parts = decode(bytes, cuts: cuts).parts
                    #expect(parts.count == 2)
                    #expect((parts.first == .malformed(.tooLong)) == !extra.isEmpty)
                    #expect(parts.last == .message(IRCMessage("PING")))
                }
            }
        }
        let tooManyTags = "@" + String(repeating: "t", count: 8190) + " PING\n"
        #expect(decode(Array(tooManyTags.utf8)).parts == [.malformed(.tooLong)])
    }

    @Test("an endless line takes no memory past the bound")
    func endless() {
        var decoder = IRCDecoder()
        let piece = Array(repeating: UInt8(ascii: "@"), count: 1000)
        var parts = 0
        for _ in 0..<100 {
            decoder.decode(piece.span) { _ in parts += 1 }
            #expect(decoder.bufferedBytes < 8191 + 512)
        }
        #expect(parts == 0)
        #expect(decoder.bufferedBytes == 0)
    }
}
