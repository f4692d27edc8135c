// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryJSON

/// nucosMQ as a wire format of rooms: one message with `room`, as the wire's §2 has it.
struct NucosFormat: WireFormat {
    let name = "nucosmq"

    /// A JSON payload goes as it is, a text as a JSON string, bytes as a JSON string of base64 (RFC 4648 §4).
    func encode(room: String, event: String, payload: Payload, into frame: inout [UInt8]) {
        switch payload.kind {
        case .json: NucosEncoder.append(event: event, content: payload.bytes.span, room: room, to: &frame)
        case .text: NucosEncoder.append(event: event, text: payload.text, room: room, to: &frame)
        case .binary: NucosEncoder.append(event: event, text: Base64.encode(payload.bytes), room: room, to: &frame)
        }
    }

    func decode(_ frame: Span<UInt8>) -> (event: String, payload: Payload)? {
        guard let parsed = try? NucosFrame.parse(frame) else { return nil }
        return (parsed.eventName.string(in: frame), parsed.payload(in: frame))
    }

    /// An event `gap` in the room; its content gives the lost offsets, `from` included, `to` not.
    func encodeGap(room: String, from: UInt64, to: UInt64, into frame: inout [UInt8]) {
        let content = Array(#"{"from": \#(from), "to": \#(to)}"#.utf8)
        NucosEncoder.append(event: "gap", content: content.span, room: room, to: &frame)
    }
}

extension NucosFrame {
    /// The content as a payload of its own.
    func payload(in bytes: Span<UInt8>) -> Payload {
        Payload(.json, bytes: [UInt8](bytes: bytes.extracting(content.range)))
    }
}

extension Payload {
    /// The payload as one JSON value, as it goes over the wire; nil for what calls itself JSON and is none.
    var json: [UInt8]? {
        switch kind {
        case .json: return (try? JSONScanner.validate(bytes.span)) == nil ? nil : bytes
        case .text: return Payload.jsonString(text).bytes
        case .binary: return Payload.jsonString(Base64.encode(bytes)).bytes
        }
    }
}
