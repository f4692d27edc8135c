// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import BelfryNucosMQ
import Testing

@Suite("nucosMQ messages that are alike but for their content", .timeLimit(.minutes(3)))
struct NucosEnvelopeTests {
    /// A message, its content and the number of its envelope, as a decoder gave them.
    private struct Read: Equatable {
        let content: String
        let room: String?
        let envelope: UInt32
    }

    /// What a decoder makes of messages, each compared with what it is by itself.
    private func read(_ messages: [String]) -> [Read?] {
        var decoder = NucosDecoder()
        var found: [Read?] = []
        decoder.feed(messages.joined().utf8) { part, bytes in
            guard case .frame(let frame) = part else {
                found.append(nil)
                return .next
            }
            #expect((try? NucosFrame.parse(bytes)) == frame)
            let copy = bytes.indices.map { bytes[$0] }
            found.append(
                Read(
                    content: String(decoding: copy[frame.content.range], as: UTF8.self),
                    room: frame.room?.string(in: bytes),
                    envelope: frame.envelope
                )
            )
            return .next
        }
        return found
    }

    /// Contents of every kind and of several lengths.
    private static let contents = [
        #""""#, "1", #""eins""#, #""a longer text, of more than eight and of more than thirty-two bytes""#, "null",
        #"{"a": [1, 2, {"room": "x"}]}"#, #""\"quoted\" and \\ and \u00e9""#, #""é世""#, #""\u005fEOM_""#, "-1.5e+3",
        "[[[]]]", "true", #"" , \"room\": \"r\"}}""#,
    ]

    @Test(
        "every content in the same envelope, wherever it stands there",
        arguments: [
            #"{"data": {"event": "e", "content": @, "room": "r"}}_EOM_"#,
            #"{"data":{"room":"r","event":"e","content":@}}_EOM_"#,
            #"{ "data" : { "content" :  @ , "room" : "r" , "event" : 1 } }  _EOM_"#,
            #"{"x": 1, "data": {"event": "e", "content": 7, "content": @, "room": "r"}, "y": [2]}_EOM_"#,
            #"{"data": {"event": "e", "content": @, "room": "r\u00e9", "at": 12, "resume": "1.2"}}_EOM_"#,
        ]
    )
    func contents(_ envelope: String) {
        let messages = (Self.contents + Self.contents.reversed()).map { envelope.replacing("@", with: $0) }
        let found = read(messages)
        #expect(found.map { $0?.content } == Self.contents + Self.contents.reversed())
        #expect(found.allSatisfy { $0?.envelope == 1 }, "they were not taken for alike")
    }

    @Test("what is not like the one before is read by itself")
    func others() {
        let plain = #"{"data": {"event": "e", "content": "1", "room": "r"}}_EOM_"#
        let found = read([
            plain, plain,
            #"{"data": {"event": "e", "content": "1", "room": "q"}}_EOM_"#,
            #"{"data": {"event": "f", "content": "1", "room": "r"}}_EOM_"#,
            #"{"data": {"event": "e", "content": "1" , "room": "r"}}_EOM_"#,
            #"{"data": {"event": "e", "content": "1", "room": "q", "room": "r"}}_EOM_"#,
            #"{"data": {"event": "e", "content": "1"}}_EOM_"#,
            #"{"data": {"event": "e", "content": , "room": "r"}}_EOM_"#,
            #"{"data": {"event": "e", "content": "1"2, "room": "r"}}_EOM_"#,
            #"{"data": {"event": "e", "content": "a_EOM_", "room": "r"}}_EOM_"#,
            plain,
        ])
        #expect(found.map { $0?.room } == ["r", "r", "q", "r", "r", "r", nil, nil, nil, nil, nil, "r"])
        #expect(found.map { $0?.envelope } == [1, 1, 2, 0, 0, 0, 0, nil, nil, nil, nil, 0])
    }

    @Test("a sender that goes over to other messages is followed")
    func following() {
        let first = #"{"data": {"event": "e", "content": "1", "room": "r"}}_EOM_"#
        let second = #"{"data": {"event": "e", "content": "1", "room": "s"}}_EOM_"#
        let found = read([first, first, second] + Array(repeating: second, count: 20))
        #expect(found.last??.envelope == 2 && found.last??.room == "s")
    }

    @Test("long envelopes and messages without a room are not kept")
    func unkept() {
        let name = String(repeating: "r", count: 256)
        let long = #"{"data": {"event": "e", "content": "1", "room": "\#(name)"}}_EOM_"#
        let bare = #"{"data": {"event": "e", "content": "1"}}_EOM_"#
        #expect(read([long, long, bare, bare]).map { $0?.envelope } == [0, 0, 0, 0])
    }
}
