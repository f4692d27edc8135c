// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import Testing

@Suite("WebSocket as a format of rooms", .timeLimit(.minutes(1)))
struct WebSocketFormatTests {
    private struct Plain: WebSocketContent {
        let name = "plain"

        func encode(room: String, event: String, payload: Payload, into content: inout [UInt8]) -> WebSocketMessageKind?
        {
            guard event != "unsayable" else { return nil }
            content += Array("\(room) \(event) ".utf8) + payload.bytes
            return payload.kind == .binary ? .binary : .text
        }

        func decode(_ content: Span<UInt8>, _ kind: WebSocketMessageKind) -> (event: String, payload: Payload)? {
            let words = String(decoding: copy(content), as: UTF8.self).split(separator: " ", maxSplits: 2)
            guard words.count == 3 else { return nil }
            return (String(words[1]), Payload(kind == .text ? .text : .binary, bytes: Array(words[2].utf8)))
        }

        func encodeGap(room: String, from: UInt64, to: UInt64, into content: inout [UInt8]) -> WebSocketMessageKind? {
            content += Array("gap \(from) \(to)".utf8)
            return .text
        }
    }

    @Test("a message is framed once, and compressed once, and can be read back", arguments: [false, true])
    func roundTrip(_ isCompressed: Bool) {
        let format = WebSocketFormat(Plain(), deflate: isCompressed ? WebSocketDeflate() : nil)
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
        let format = WebSocketFormat(Plain())
        var frame: [UInt8] = []
        format.encode(room: "r", event: "unsayable", payload: .text("x"), into: &frame)
        #expect(frame.isEmpty)
        format.encodeGap(room: "r", from: 3, to: 9, into: &frame)
        #expect(decode(frame, .client) == [.text("gap 3 9")])
        #expect(format.decode(frame.span.extracting(first: 5)) == nil)
    }
}
