// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryJSON

/// Messages as JSON texts, as clients get them.
enum MessageText {
    /// A payload as a JSON text: JSON as it is, a text as a string, bytes as one of base64 (RFC 4648 §4).
    ///
    /// - Returns: nil for a payload that calls itself JSON and is none.
    static func json(_ payload: Payload) -> [UInt8]? {
        switch payload.kind {
        case .json: return isJSON(payload.bytes) ? payload.bytes : nil
        case .text:
            var output: [UInt8] = []
            JSONWriter.append(utf8: payload.bytes.span, to: &output)
            return output
        case .binary: return Array("\"\(Base64.encode(payload.bytes))\"".utf8)
        }
    }

    /// A message of a room: what has an event, which this protocol can't say, becomes `{"event":…,"content":…}`.
    static func json(event: String, _ payload: Payload) -> [UInt8]? {
        guard let content = json(payload) else { return nil }
        guard !event.isEmpty else { return content }
        var output = Array(#"{"event":"#.utf8)
        JSONWriter.append(event, to: &output)
        output += Array(#","content":"#.utf8)
        output += content
        output.append(ASCII.closeBrace)
        return output
    }

    /// Whether bytes are one JSON value.
    static func isJSON(_ bytes: [UInt8]) -> Bool { (try? JSONScanner.validate(bytes.span)) != nil }

    /// A batch: an array of objects `{"group":…,"message":…}`, oldest first within each group.
    ///
    /// With positions each has a member `at` as well, the message's offset in its room.
    static func batch(_ messages: [WatchboxFound], withPositions: Bool) -> [UInt8] {
        var output: [UInt8] = [ASCII.openBracket]
        for (index, message) in messages.enumerated() {
            if index > 0 { output.append(ASCII.comma) }
            output += Array(#"{"group":"#.utf8)
            JSONWriter.append(message.group, to: &output)
            output += Array(#","message":"#.utf8)
            output += message.json
            if withPositions, let offset = message.offset { output += Array(",\"at\":\(offset)".utf8) }
            output.append(ASCII.closeBrace)
        }
        output.append(ASCII.closeBracket)
        return output
    }

    /// Reads a client's log line, `["_log_", application, text]`; nil for anything else.
    static func logLine(_ json: [UInt8]) -> (application: String, text: String)? {
        guard json.first(where: { $0 > ASCII.space }) == ASCII.openBracket else { return nil }
        return try? elements(json.span)
    }

    private static func elements(_ bytes: Span<UInt8>) throws(JSONFault) -> (application: String, text: String)? {
        var scanner = JSONScanner()
        scanner.skipWhitespace(bytes)
        try scanner.expect(ASCII.openBracket, bytes)
        var texts: [String] = []
        for index in 0..<3 {
            scanner.skipWhitespace(bytes)
            guard try scanner.peek(bytes) != ASCII.closeBracket else { return nil }
            let value = try scanner.value(bytes)
            texts.append(value.text.string(in: bytes))
            guard index > 0 || value.kind == .string && texts[0] == "_log_" else { return nil }
            scanner.skipWhitespace(bytes)
            try scanner.expect(index == 2 ? ASCII.closeBracket : ASCII.comma, bytes)
        }
        return (texts[1], texts[2])
    }
}
