// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO

/// Messages of rooms as texts: room, event and payload between blanks.
struct PlainContent: WebSocketContent {
    let name = "plain"

    func encode(room: String, event: String, payload: Payload, into content: inout [UInt8]) -> WebSocketMessageKind? {
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

/// A protocol of one room: what a client says, all in the room hear.
final class PlainRoom: WebSocketDelegate {
    private let socket: WebSocketConnection
    private let format: WebSocketFormat<PlainContent>

    init(_ socket: WebSocketConnection) {
        self.socket = socket
        format = socket.format(PlainContent())
    }

    func opened() { socket.connection.join("hall", format: format) }

    func received(_ kind: WebSocketMessageKind, _ payload: Span<UInt8>, frame: Span<UInt8>) {
        guard let hall = socket.connection.membership(of: "hall") else { return }
        socket.connection.publish(frame, format: WebSocketFormat(PlainContent()), to: hall)
    }

    func send(event: String, _ payload: Payload) -> Bool { false }
    func closed(_ code: WebSocketCloseCode, _ reason: CloseReason) {}
}
