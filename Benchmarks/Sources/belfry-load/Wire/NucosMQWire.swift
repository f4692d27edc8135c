// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// nucosMQ: JSON objects ended by `_EOM_`.
///
/// The server forwards a publication only for members of the room and to all of them, so the publisher joins too
/// and gets its own messages back.
struct NucosMQWire: Wire {
    let name = "nucosmq"
    let publisherMustJoin = true

    private static let end = Array("_EOM_".utf8)

    private struct Envelope: Decodable {
        struct Message: Decodable {
            let event: String
            let content: String
            let room: String?
        }
        let data: Message
    }

    /// Subscribing has no answer, but messages are taken in order: a `pong` says that it happened.
    func opening(room: String?) -> [UInt8] {
        var text = ""
        if let room { text += #"{"data": {"event": "subscripe", "content": "\#(room)"}}_EOM_"# }
        text += #"{"data": {"event": "ping", "content": ""}}_EOM_"#
        return Array(text.utf8)
    }

    func publication(room: String, payload: [UInt8]) -> [UInt8] {
        let content = String(decoding: payload, as: UTF8.self)
        return Array(#"{"data": {"event": "load", "content": "\#(content)", "room": "\#(room)"}}_EOM_"#.utf8)
    }

    func parse(_ bytes: ArraySlice<UInt8>) throws -> (item: WireItem, length: Int)? {
        guard let end = bytes.end(of: Self.end) else { return nil }
        let frame = bytes[..<end]
        let length = frame.count
        let message = try JSONDecoder().decode(Envelope.self, from: Data(frame.dropLast(Self.end.count))).data
        switch (message.event, message.room) {
        case ("pong", _):
            return (.ready, length)
        case ("load", .some):
            // The payload has no character that JSON would escape, so it stands in the frame as it is.
            let payload = Array(message.content.utf8)
            guard let payloadEnd = frame.end(of: payload) else { throw LoadError("the content was rewritten") }
            let stop = payloadEnd - frame.startIndex
            return (.delivery(payload: (stop - payload.count)..<stop), length)
        default:
            throw LoadError("unexpected nucosMQ event \(message.event)")
        }
    }
}
