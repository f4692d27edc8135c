// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIRC
import Testing

@Suite("IRC encoding", .timeLimit(.minutes(3)))
struct IRCEncodingTests {
    private static func text(_ message: IRCMessage) throws -> String {
        String(decoding: try message.encoded(), as: UTF8.self)
    }

    private static func code(_ message: IRCMessage) -> IRCError.Code? {
        do throws(IRCError) {
            _ = try message.encoded()
            return nil
        } catch {
            return error.code
        }
    }

    @Test("a message is written as it is read")
    func roundTrip() throws {
        for row in IRCDecoderTests.rows where row.message.tags.keys.allSatisfy({ !$0.contains("\\") }) {
            let line = try Self.text(row.message)
            #expect(line.hasSuffix("\r\n"))
            #expect(message(String(line.dropLast())) == row.message)
        }
        #expect(try Self.text(.init("PRIVMSG", ["#a", "hello world"])) == "PRIVMSG #a :hello world\r\n")
        #expect(try Self.text(.init("PRIVMSG", ["#a", ":)"])) == "PRIVMSG #a ::)\r\n")
        #expect(try Self.text(.init("TOPIC", ["#a", ""])) == "TOPIC #a :\r\n")
        #expect(try Self.text(.init("JOIN", ["#a"])) == "JOIN #a\r\n")
        #expect(
            try Self.text(.init("TAGMSG", ["#a"], tags: ["+b": "x; y", "a": ""])) == "@+b=x\\:\\sy;a TAGMSG #a\r\n"
        )
    }

    @Test(
        "what could be read as another command or parameter is refused",
        arguments: [
            IRCMessage("PRIVMSG", ["#a", "hi\r\nQUIT"]), .init("PRIVMSG", ["#a", "hi\nQUIT"]),
            .init("PRIVMSG", ["#a", "hi\rQUIT"]), .init("PRIVMSG", ["#a", "\0"]), .init("PRIVMSG", ["#a\n", "x"]),
            .init("PRIVMSG", ["#a b", "x"]), .init("PRIVMSG", [":a", "x"]), .init("PRIVMSG", ["", "x"]),
            .init("PRIVMSG #a", ["x"]), .init(""), .init("QUIT\r\n"), .init("12"),
            // A CR that hides inside a grapheme.
            .init("PRIVMSG", ["#a", "x\r\u{301}y"]),
            .init("X", prefix: .init("a b")), .init("X", prefix: .init("a\n")), .init("X", prefix: .init("")),
            .init("X", tags: ["a b": ""]), .init("X", tags: ["": "1"]), .init("X", tags: ["a": "\0"]),
        ]
    )
    func injection(_ message: IRCMessage) { #expect(Self.code(message) == .badMessage) }

    @Test("a line of 512 bytes is written, one more is refused")
    func length() throws {
        let text = String(repeating: "é", count: 250) + "a"
        #expect(try IRCMessage("PRIVMSG", [text]).encoded().count == 511)
        #expect(try IRCMessage("PRIVMSG", [text + "b"]).encoded().count == 512)
        #expect(Self.code(.init("PRIVMSG", [text + "bc"])) == .tooLong)
        #expect(Self.code(.init("X", tags: ["a": String(repeating: "b", count: 4092)])) == nil)
        #expect(Self.code(.init("X", tags: ["a": String(repeating: "b", count: 4093)])) == .tooLong)
    }
}
