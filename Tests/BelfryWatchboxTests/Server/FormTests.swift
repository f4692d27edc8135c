// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import Testing

@testable import BelfryWatchbox

@Suite("Watchbox forms and texts", .timeLimit(.minutes(3)))
struct FormTests {
    private static func fields(_ form: String) -> FormFields { FormFields(Array(form.utf8).span, maxGroups: 2) }

    @Test("a form's fields are found, the first text counts, and groups are bounded")
    func fields() {
        let fields = Self.fields(
            "x=1&text=%2522a+b%2522&group=a+b%2B&text=2&group&group=&group=d&wait=070&batch=x&batch=3"
        )
        #expect(fields.groups == ["a b+", "", ""])
        #expect(fields.text.map { String(decoding: $0, as: UTF8.self) } == "\"a b\"")
        #expect(fields.wait == 70 && fields.batch == 3)
        let none = Self.fields("Group=1&&=&text&wait=1000000000&wait=+1&batch=-1")
        #expect(none.groups.isEmpty && none.text == [] && none.wait == nil && none.batch == nil)
        #expect(Self.fields("group=1").text == nil)
    }

    @Test("random bytes are read without harm")
    func random() {
        var random = SystemRandomNumberGenerator()
        let pieces = [
            "&", "=", "%", "%2", "%25", "%FF", "+", "group", "text", "wait", "batch", "é", "1", "\0", "\u{10FFFF}",
        ]
        for _ in 0..<2_000 {
            let form = (0..<Int.random(in: 0..<12)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            var bytes = Array(form.utf8)
            if !bytes.isEmpty, Bool.random() { bytes[bytes.count / 2] = UInt8.random(in: 0...255) }
            let fields = FormFields(bytes.span, maxGroups: 2)
            let isSound = fields.text.map { (try? UTF8Span(validating: $0.span)) != nil } ?? true
            if fields.groups.count > 3 || !isSound { Issue.record("\(bytes)") }
            _ = MessageText.logLine(bytes)
        }
    }

    @Test("an ID is 32 lowercase digits of a version-4 UUID, and only that is read")
    func identity() throws {
        var seen: Set<ClientID> = []
        for _ in 0..<50 {
            let id = ClientID.random()
            let text = id.description
            #expect(text.count == 32 && text.dropFirst(12).first == "4")
            #expect(["8", "9", "a", "b"].contains(text.dropFirst(16).first))
            #expect(ClientID(Array(text.utf8).span) == id)
            #expect(seen.insert(id).inserted)
        }
        let text = ClientID.random().description
        for wrong in [text + "0", String(text.dropLast()), "", text.uppercased(), "g" + text.dropFirst()]
        where wrong != text {
            #expect(ClientID(Array(wrong.utf8).span) == nil, "\(wrong)")
        }
    }

    @Test("a log line has three elements, the first of which says so")
    func logLine() throws {
        let line = try #require(MessageText.logLine(Array(" [\"\\u005flog_\" , \"a\",\"b\\n\"] ".utf8)))
        #expect(line.application == "a" && line.text == "b\n")
        for other in ["[]", "[1,2,3]", "\"_log_\"", "[\"_log_\",1]", "[\"_log_\",1,2,3]", "[\"_log_\",1,2", "{}", ""] {
            #expect(MessageText.logLine(Array(other.utf8)) == nil, "\(other)")
        }
    }
}
