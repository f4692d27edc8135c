// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryJSON

/// Writes what a client asks (Watchbox protocol, §1): forms, with messages escaped twice.
enum WatchboxClientForm {
    /// A `group` field; only the form's layer.
    static func appendGroup(_ group: String, to body: inout [UInt8]) {
        append("group", to: &body)
        for byte in group.utf8 {
            if byte == ASCII.space { body.append(ASCII.plus) } else { append(byte, to: &body) }
        }
    }

    /// The `text` field: the JSON as `encodeURIComponent` escapes it, and that as a form does.
    static func appendText(_ json: [UInt8], to body: inout [UInt8]) {
        append("text", to: &body)
        body.reserveCapacity(body.count + json.count * 2)
        for byte in json {
            if isPlain(byte) {
                body.append(byte)
            } else {
                body.append(contentsOf: "%25".utf8)
                appendHex(byte, to: &body)
            }
        }
    }

    /// The `resume` field: where the client goes on; empty for one that wants to know where it begins.
    static func appendResume(_ next: RoomPosition?, to body: inout [UInt8]) {
        append("resume", to: &body)
        body.append(contentsOf: (next?.token ?? "").utf8)
    }

    /// A field with a number.
    static func append(_ name: String, _ number: Int, to body: inout [UInt8]) {
        append(name, to: &body)
        body.append(contentsOf: "\(number)".utf8)
    }

    private static func append(_ name: String, to body: inout [UInt8]) {
        if !body.isEmpty { body.append(UInt8(ascii: "&")) }
        body.append(contentsOf: name.utf8)
        body.append(UInt8(ascii: "="))
    }

    private static func append(_ byte: UInt8, to body: inout [UInt8]) {
        guard !isPlain(byte) else { return body.append(byte) }
        body.append(UInt8(ascii: "%"))
        appendHex(byte, to: &body)
    }

    private static func appendHex(_ byte: UInt8, to body: inout [UInt8]) {
        for digit in [byte >> 4, byte & 15] {
            body.append(digit < 10 ? ASCII.zero &+ digit : 0x37 &+ digit)
        }
    }

    /// What `encodeURIComponent` leaves as it is.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x27...0x2A, 0x2D, 0x2E, 0x5F, 0x7E: true
        default: false
        }
    }

    /// The JSON that stands for a payload.
    ///
    /// - Throws: ``WatchboxClientError`` `.badData` for what says that it is JSON, and is not; `.tooLarge`.
    static func json(_ payload: Payload, maxBytes: Int) throws(WatchboxClientError) -> [UInt8] {
        guard payload.bytes.count <= maxBytes else { throw tooLarge(payload.bytes.count, maxBytes) }
        guard let json = MessageText.json(payload) else {
            throw WatchboxClientError(.badData, "the message says that it is JSON, and is not")
        }
        guard json.count <= maxBytes else { throw tooLarge(json.count, maxBytes) }
        return json
    }

    private static func tooLarge(_ count: Int, _ maxBytes: Int) -> WatchboxClientError {
        WatchboxClientError(.tooLarge, "the message is of \(count) bytes, more than \(maxBytes) (maxMessageBytes)")
    }
}
