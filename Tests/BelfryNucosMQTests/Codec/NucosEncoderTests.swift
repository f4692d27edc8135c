// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryNucosMQ
import Testing

@Suite("NucosEncoder", .timeLimit(.minutes(3)))
struct NucosEncoderTests {
    @Test("a captured message is written byte for byte", arguments: Golden.messages)
    func golden(_ message: Golden.Message) {
        let content = Array(message.content.utf8)
        let frame = NucosEncoder.frame(event: message.event, content: content.span, room: message.room)
        #expect(String(decoding: frame, as: UTF8.self) == message.bytes)
    }

    @Test("the fixed messages are those on the wire")
    func controls() {
        let controls = [
            NucosControl.startAuth, NucosControl.authSuccess, NucosControl.authFailed, NucosControl.thanks,
            NucosControl.ping, NucosControl.pong, NucosControl.shutdownNow, NucosControl.shutdownConfirmed,
        ]
        let captured = Set(Golden.messages.map(\.bytes))
        for control in controls { #expect(captured.contains(String(decoding: control, as: UTF8.self))) }
        #expect(Set(controls).count == controls.count)
    }

    @Test("an empty room is absent, and _EOM_ is escaped in event, content, key and room")
    func details() {
        let content = Array(#"{"_EOM_": "_EOM_"}"#.utf8)
        let frame = NucosEncoder.frame(event: "a_EOM_", content: content.span, room: "_EOM_b")
        #expect(
            String(decoding: frame, as: UTF8.self)
                == #"{"data": {"event": "a\u005fEOM_", "content": {"\u005fEOM_": "\u005fEOM_"}, "room": "\u005fEOM_b"}}_EOM_"#
        )
        #expect(NucosEncoder.frame(event: "", text: "", room: "").count == 43)
        #expect(decode(frame).seen.count == 1)
    }

    @Test("messages are appended, nothing is overwritten")
    func appending() {
        var output: [UInt8] = [1]
        NucosEncoder.append(event: "e", text: "t", to: &output)
        NucosEncoder.append(event: "e", text: "t", room: "r", to: &output)
        #expect(output.first == 1)
        #expect(decode(Array(output.dropFirst())).seen.count == 2)
    }
}
