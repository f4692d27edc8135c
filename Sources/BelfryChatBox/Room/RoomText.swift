// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import Foundation

/// What a room's message is as a text.
enum RoomText {
    /// The payload's text, bytes in base64; with an event, `{"event":…,"content":…}`.
    static func text(event: String, _ payload: Payload) -> String {
        let text = payload.kind == .binary ? Data(payload.bytes).base64EncodedString() : payload.text
        guard !event.isEmpty else { return text }
        let content = payload.kind == .json ? text : quoted(text)
        return "{\"event\":\(quoted(event)),\"content\":\(content)}"
    }

    private static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}
