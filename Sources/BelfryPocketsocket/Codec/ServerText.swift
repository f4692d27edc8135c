// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryJSON

/// What a server says, as JSON texts (Pocketsocket wire, §2).
enum ServerText {
    /// What stands before the id in a receipt (§2.2), for a moment as `LocalClock` writes it.
    static func receiptStart(at time: [UInt8]) -> [UInt8] {
        Array(#"{"time": ""#.utf8) + time + Array(#"", "messageId": "#.utf8)
    }

    private static let receiptEnd = Array(#", "socket": "sent", "attr": "json"}"#.utf8)
    private static let stringReceiptEnd = Array(#", "socket": "sent", "attr": "string"}"#.utf8)

    /// A receipt (§2.2), framed.
    ///
    /// - Parameters:
    ///   - message: What was received.
    ///   - text: Its bytes.
    ///   - start: What `receiptStart` makes.
    ///   - envelope: Gets what stands around an id that is sent back as it came.
    ///   - output: What the frame is appended to.
    static func appendReceipt(
        for message: ClientMessage,
        in text: Span<UInt8>,
        start: [UInt8],
        noting envelope: inout ReceiptEnvelope,
        to output: inout [UInt8]
    ) {
        envelope.idCount = -1
        let end = message.isObject ? receiptEnd : stringReceiptEnd
        if let id = message.id, message.isObject {
            // Digits and members stay as they are; what is not ASCII is escaped, as in the original.
            let raw = text.extracting(id)
            if raw.isASCII {
                let before = output.count
                appendFrame(start, raw, end, to: &output)
                envelope.frame = Array(output[before...])
                envelope.idStart = envelope.frame.count - end.count - raw.count
                envelope.idCount = raw.count
            } else {
                var escaped: [UInt8] = []
                JSONWriter.append(json: raw, to: &escaped)
                appendFrame(start, escaped.span, end, to: &output)
            }
        } else {
            let id = Array((message.isObject ? "null" : "\(text.count)").utf8)
            appendFrame(start, id.span, end, to: &output)
        }
    }

    private static func appendFrame(_ start: [UInt8], _ id: Span<UInt8>, _ end: [UInt8], to output: inout [UInt8]) {
        let length = start.count + id.count + end.count
        output.reserveCapacity(output.count + length + WebSocketEncoder.maxHeaderBytes)
        WebSocketEncoder.appendHeader(.text, length: length, to: &output)
        output.append(contentsOf: start)
        output.append(bytes: id)
        output.append(contentsOf: end)
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
        guard let json = try? payload.wireJSON() else { return nil }
        output += json
        output.append(ASCII.closeBrace)
        return output
    }

    /// An object with one value under a path whose parts nest, beside who it is about: the original's `send_to_all`.
    static func object(_ path: String, _ value: Payload, about peer: SocketAddress?) -> [UInt8]? {
        guard let json = try? value.wireJSON() else { return nil }
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

    private static func append(_ text: String, to output: inout [UInt8]) { output.append(contentsOf: text.utf8) }

    /// An id as browsers make them: `0.` and digits of base 32 (§2.1).
    static func newID() -> String { "0." + String(UInt64.random(in: 0..<1 << 55), radix: 32) }
}

extension Span<UInt8> {
    /// Whether no byte has its top bit set.
    var isASCII: Bool {
        for index in indices where self[index] >= 0x80 { return false }
        return true
    }
}
