// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import Testing

@Suite("WebSocket as a format of rooms", .timeLimit(.minutes(3)))
struct WebSocketFormatTests {
    @Test("a message is framed once, and compressed once, and can be read back", arguments: [false, true])
    func roundTrip(_ isCompressed: Bool) {
        let format = WebSocketFormat(PlainContent(), deflate: isCompressed ? WebSocketDeflate() : nil)
        #expect(format.name == (isCompressed ? "plain+deflate" : "plain"))
        for length in [1, 100, 70_000] {
            let payload = Payload.text(String(repeating: "x", count: length))
            var frame: [UInt8] = [9, 9]
            format.encode(room: "r", event: "e", payload: payload, into: &frame)
            frame.removeFirst(2)
            let content = "r e " + payload.text
            var parameters: DeflateParameters?
            if isCompressed { parameters = DeflateParameters() }
            #expect(decode(frame, .client, deflate: parameters) == [.text(content)])
            #expect((frame[0] & 0x40 != 0) == (isCompressed && length >= 100))
            #expect(format.decode(frame.span)?.payload == payload)
        }
    }

    @Test("what can't be said makes no frame, a gap makes one")
    func edges() {
        let format = WebSocketFormat(PlainContent())
        var frame: [UInt8] = []
        format.encode(room: "r", event: "unsayable", payload: .text("x"), into: &frame)
        #expect(frame.isEmpty)
        format.encodeGap(room: "r", from: 3, to: 9, into: &frame)
        #expect(decode(frame, .client) == [.text("gap 3 9")])
        #expect(format.decode(frame.span.extracting(first: 5)) == nil)
    }
}
