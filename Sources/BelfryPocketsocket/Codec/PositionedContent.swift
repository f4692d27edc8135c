// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryJSON

/// The hub's messages for clients that resume: each JSON object has a last member `at`, the message's offset.
///
/// The last of several members of one name counts, so that no client can say it for another. What is no object goes as
/// it came.
struct PositionedContent: WebSocketContent {
    let name = "pocketsocket-positioned"
    let isPositioned = true
    private let plain = VerbatimContent()

    func encode(room: String, event: String, payload: Payload, into content: inout [UInt8]) -> WebSocketMessageKind? {
        plain.encode(room: room, event: event, payload: payload, into: &content)
    }

    func encode(
        room: String,
        event: String,
        payload: Payload,
        at offset: UInt64,
        into content: inout [UInt8]
    ) -> WebSocketMessageKind? {
        guard let kind = encode(room: room, event: event, payload: payload, into: &content) else { return nil }
        if kind == .text { Self.append(offset, to: &content) }
        return kind
    }

    func decode(_ content: Span<UInt8>, _ kind: WebSocketMessageKind) -> (event: String, payload: Payload)? {
        plain.decode(content, kind)
    }

    func encodeGap(room: String, from: UInt64, to: UInt64, into content: inout [UInt8]) -> WebSocketMessageKind? {
        plain.encodeGap(room: room, from: from, to: to, into: &content)
    }

    private static func append(_ offset: UInt64, to content: inout [UInt8]) {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard content.first(where: { !isBlank($0) }) == ASCII.openBrace,
            let end = content.lastIndex(where: { !isBlank($0) }), content[end] == ASCII.closeBrace
        else { return }
        let isEmpty = content[..<end].last { !isBlank($0) } == ASCII.openBrace
        content.replaceSubrange(end..., with: Array("\(isEmpty ? "" : ",")\"at\":\(offset)}".utf8))
    }
}
