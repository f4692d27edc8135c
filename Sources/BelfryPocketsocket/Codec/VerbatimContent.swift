// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryJSON

/// The messages of a server's hub: each is one text, passed on as it came.
struct VerbatimContent: WebSocketContent {
    let name = "pocketsocket"

    func encode(room: String, event: String, payload: Payload, into content: inout [UInt8]) -> WebSocketMessageKind? {
        content += payload.bytes
        return payload.kind == .binary ? .binary : .text
    }

    func decode(_ content: Span<UInt8>, _ kind: WebSocketMessageKind) -> (event: String, payload: Payload)? {
        var bytes: [UInt8] = []
        bytes.append(bytes: content)
        return ("", Payload(kind == .binary ? .binary : .text, bytes: bytes))
    }

    /// An event `gap` of the channel `socket`; the offsets count the hub's messages, `from` included, `to` not.
    func encodeGap(room: String, from: UInt64, to: UInt64, into content: inout [UInt8]) -> WebSocketMessageKind? {
        content += Array(#"{"socket": "gap", "from": \#(from), "to": \#(to), "lost": \#(to - min(from, to))}"#.utf8)
        return .text
    }
}
