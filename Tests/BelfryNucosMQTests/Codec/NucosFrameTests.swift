// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import BelfryNucosMQ
import Testing

@Suite("NucosFrame", .timeLimit(.minutes(3)))
struct NucosFrameTests {
    @Test(
        "a captured message is read",
        arguments: Golden.messages
    )
    func golden(_ message: Golden.Message) {
        #expect(message.bytes.utf8.count == message.length)
        let seen = Seen.frame(message.bytes, event: message.event, content: message.content, room: message.room)
        #expect(decode(message.bytes) == [seen])
    }

    @Test(
        "a message is understood in any form JSON allows",
        arguments: [
            (#"{"data":{"event":"e","content":1}}"#, "e", "1", nil),
            (#" { "data" : { "room" : "r" , "content" : [ ] , "event" : "e" } } "#, "e", "[ ]", "r"),
            (#"{"v": [1, {}], "data": {"x": {"event": 1}, "event": "e", "content": null}, "y": ""}"#, "e", "null", nil),
            (
                #"{"d\u0061ta": {"\u0065vent": "\u0065", "c\u006fntent": "c", "roo\u006d": "\u0072"}}"#, "e", #""c""#,
                "r"
            ),
            (#"{"data": {"event": "é", "content": "ü", "room": "日本"}}"#, "é", #""ü""#, "日本"),
            (#"{"data": {"event": 7, "content": 1}}"#, "7", "1", nil),
            (#"{"data": {"event": true, "content": 1}}"#, "true", "1", nil),
            (#"{"data": {"event": null, "content": 1}}"#, "null", "1", nil),
            (#"{"data": {"event": "e", "content": 1, "room": ""}}"#, "e", "1", nil),
            (#"{"data": {"event": "e", "content": 1, "room": null}}"#, "e", "1", nil),
            (#"{"data": {"event": "a", "event": "b", "content": 1, "content": 2}}"#, "b", "2", nil),
            (#"{"data": {"event": [], "event": "b", "content": 1, "room": 5, "room": "r"}}"#, "b", "1", "r"),
            (#"{"data": {"event": "a", "content": 1, "room": "r", "room": null}}"#, "a", "1", nil),
            (#"{"data": 5, "data": {"event": "a", "content": 1}}"#, "a", "1", nil),
            (
                #"{"data": {"event": "z", "content": 0, "room": "z"}, "data": {"event": "a", "content": 1}}"#, "a", "1",
                nil
            ),
        ] as [(String, String, String, String?)]
    )
    func forms(_ json: String, _ event: String, _ content: String, _ room: String?) {
        let text = json + "_EOM_"
        #expect(decode(text) == [.frame(text, event: event, content: content, room: room)])
    }

    @Test(
        "a part that is no message is told by its rule",
        arguments: [
            ("", .json(.unexpectedEnd)), ("\n", .json(.unexpectedEnd)), ("x", .json(.unexpectedByte)),
            ("[]", .notAnObject), ("1", .notAnObject), (#""data""#, .notAnObject), ("1 1", .json(.trailingBytes)),
            ("{}", .noData), (#"{"Data": {"event": "e", "content": 1}}"#, .noData), (#"{"data": []}"#, .noData),
            (#"{"data": {"event": "e", "content": 1}, "data": null}"#, .noData), (#"{"data": {}}"#, .noEvent),
            (#"{"data": {"content": 1}}"#, .noEvent), (#"{"data": {"event": "e"}}"#, .noContent),
            (#"{"data": {"event": {}, "content": 1}}"#, .eventNotScalar),
            (#"{"data": {"event": ["e"], "content": 1}}"#, .eventNotScalar),
            (#"{"data": {"event": "e", "content": 1, "room": 1}}"#, .roomNotString),
            (#"{"data": {"event": "e", "content": 1, "room": ["r"]}}"#, .roomNotString),
            (#"{"data": {"event": "e", "content": NaN}}"#, .json(.unexpectedByte)),
            (#"{"data": {"event": "e", "content": 1}}}"#, .json(.trailingBytes)),
            (#"{"data": {"event": "e", "content": 1}"#, .json(.unexpectedEnd)),
            (#"{"data": {"event": "e", "content": 1},}"#, .json(.unexpectedByte)),
            (#"{"data": {"event": "e", "content": 1,}}"#, .json(.unexpectedByte)),
            (#"{"data": {"event": "e", "content": "\q"}}"#, .json(.badEscape)),
            (#"{"data": {"event": "e", "content": 1}}_EO"#, .json(.trailingBytes)),
        ] as [(String, NucosMalformed.Rule)]
    )
    func malformed(_ json: String, _ rule: NucosMalformed.Rule) {
        let good = Golden.messages[1]
        let seen = decode(json + "_EOM_" + good.bytes)
        #expect(seen.map(\.rule) == [rule, nil])
        #expect(seen.last == .frame(good.bytes, event: good.event, content: good.content))
    }

    @Test("a content may be nested to the bound and not beyond")
    func depth() {
        for (depth, rule) in [(64, nil), (65, .json(.tooDeep))] as [(Int, NucosMalformed.Rule?)] {
            let content = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            #expect(decode(#"{"data": {"event": "e", "content": \#(content)}}_EOM_"#).map(\.rule) == [rule])
        }
    }

    @Test("a report of a malformed part says where and why, and shows nothing of it")
    func report() {
        let text = #"{"data": {"event": "secret", "content": secret}}_EOM_"#
        var decoder = NucosDecoder()
        var description = ""
        decoder.feed(text.utf8) { part, bytes in
            if case .malformed(let malformed) = part { description = "\(malformed) \(bytes.count)" }
            return .next
        }
        #expect(!description.contains("secret"))
        #expect(description.hasSuffix("(byte 40 of 53) 0"))
    }

    @Test("names are compared wherever the message ends")
    func shortNames() {
        for event in ["", "e", "eventeve", "eventeven", "0123456789abcdef", "0123456789abcdefg"] {
            let text = #"{"data":{"content":0,"event":"\#(event)"}}_EOM_"#
            #expect(decode(text) == [.frame(text, event: event, content: "0")])
        }
        #expect(decode(#"{"x":0}_EOM_"#).map(\.rule) == [.noData])
        #expect(decode(#"{"data":{"even":0,"events":1,"contenT":2}}_EOM_"#).map(\.rule) == [.noEvent])
    }
}
