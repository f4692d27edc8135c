// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryJSON

/// What a server says, as JSON texts (Pocketsocket wire, §2).
enum ServerText {
    /// A receipt (§2.2).
    ///
    /// - Parameters:
    ///   - message: What was received.
    ///   - text: Its bytes.
    ///   - time: The local time, as `LocalClock` writes it.
    ///   - output: What the receipt is appended to.
    static func appendReceipt(
        for message: ClientMessage,
        in text: Span<UInt8>,
        time: [UInt8],
        to output: inout [UInt8]
    ) {
        append(#"{"time": ""#, to: &output)
        output.append(contentsOf: time)
        append(#"", "messageId": "#, to: &output)
        if !message.isObject {
            append("\(text.count)", to: &output)
        } else if let id = message.id {
            // Digits and members stay as they are; what is not ASCII is escaped, as in the original.
            JSONWriter.append(json: text.extracting(id), to: &output)
        } else {
            append("null", to: &output)
        }
        append(#", "socket": "sent", "attr": "#, to: &output)
        append(message.isObject ? #""json"}"# : #""string"}"#, to: &output)
    }

    /// That a client came or went (§2.3).
    static func presence(_ what: String, _ peer: SocketAddress?) -> [UInt8] {
        var output = Array(#"{"socket": "\#(what)", "port": \#(peer?.port ?? 0), "address": "#.utf8)
        JSONWriter.append(peer?.host ?? "", to: &output)
        output.append(ASCII.closeBrace)
        return output
    }

    /// A message of another protocol, or of the process, as a client would have sent it (§2.1).
    ///
    /// A text goes as a JSON string, bytes as one of base64 (RFC 4648 §4).
    ///
    /// - Returns: nil for a payload that calls itself JSON and is none.
    static func message(_ message: String, _ payload: Payload, id: String) -> [UInt8]? {
        var output = Array(#"{"id":""#.utf8)
        output += Array(id.utf8)
        append(#"","message":"#, to: &output)
        JSONWriter.append(message, to: &output)
        append(#","data":"#, to: &output)
        switch payload.kind {
        case .json:
            guard (try? JSONScanner.validate(payload.bytes.span)) != nil else { return nil }
            output += payload.bytes
        case .text: JSONWriter.append(utf8: payload.bytes.span, to: &output)
        case .binary: JSONWriter.append(Base64.encode(payload.bytes), to: &output)
        }
        output.append(ASCII.closeBrace)
        return output
    }

    /// An object with one value under a path whose parts nest, beside who it is about: the original's `send_to_all`.
    static func object(_ path: String, _ value: Payload, about peer: SocketAddress?) -> [UInt8]? {
        guard let json = json(value) else { return nil }
        var output: [UInt8] = [ASCII.openBrace]
        if let peer {
            append(#""address": "#, to: &output)
            JSONWriter.append(peer.host, to: &output)
            append(#", "port": \#(peer.port ?? 0), "#, to: &output)
        }
        let parts = path.split(separator: ".", omittingEmptySubsequences: false).prefix(16)
        for (index, part) in parts.enumerated() {
            if index > 0 { output.append(ASCII.openBrace) }
            JSONWriter.append(String(part), to: &output)
            append(": ", to: &output)
        }
        output += json
        for _ in parts { output.append(ASCII.closeBrace) }
        return output
    }

    private static func json(_ payload: Payload) -> [UInt8]? {
        var output: [UInt8] = []
        switch payload.kind {
        case .json: return (try? JSONScanner.validate(payload.bytes.span)) == nil ? nil : payload.bytes
        case .text: JSONWriter.append(utf8: payload.bytes.span, to: &output)
        case .binary: JSONWriter.append(Base64.encode(payload.bytes), to: &output)
        }
        return output
    }

    private static func append(_ text: String, to output: inout [UInt8]) { output.append(contentsOf: text.utf8) }

    /// An id as browsers make them: `0.` and digits of base 32 (§2.1).
    static func newID() -> String { "0." + String(UInt64.random(in: 0..<1 << 55), radix: 32) }
}
