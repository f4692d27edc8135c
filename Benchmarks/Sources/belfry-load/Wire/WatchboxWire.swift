// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Watchbox by long polling: a subscriber has one question open, and asks the next as soon as it is answered.
///
/// The field `wait` is Belfry's own; the original answers at once, whether there is a message or not.
struct WatchboxWire: Wire {
    let name = "watchbox"
    let acknowledges = true

    private static let cookie = "__wb.client"
    /// Milliseconds, the most a server lets anybody wait, so that no question ends without a message.
    private static let wait = 60_000

    func opening(room: String?) -> [UInt8] { Self.request("register", nil, "") }

    func identity(in greeting: [UInt8]) -> String? { (try? HTTPAnswer(greeting[...]))??.cookie(Self.cookie) }

    /// A publisher joins as well, a group where nothing is said: without one it would be forgotten.
    func answer(toGreetingOf identity: String?, room: String?) -> [UInt8] {
        Self.request("join", identity, "group=\(room ?? "elsewhere")")
    }

    func question(room: String, identity: String?) -> [UInt8] {
        Self.request("get", identity, "group=\(room)&wait=\(Self.wait)")
    }

    func publication(room: String, payload: [UInt8]) -> [UInt8] {
        publication(room: room, payload: payload, identity: nil)
    }

    /// JSON, percent-encoded twice as the original does: once as a component, once as a form's field.
    func publication(room: String, payload: [UInt8], identity: String?) -> [UInt8] {
        Self.request("brdcst", identity, "group=\(room)&text=%2522\(String(decoding: payload, as: UTF8.self))%2522")
    }

    func parse(_ bytes: ArraySlice<UInt8>) throws -> (item: WireItem, length: Int)? {
        guard let answer = try HTTPAnswer(bytes) else { return nil }
        let body = String(decoding: bytes.dropFirst(answer.body.lowerBound).prefix(answer.body.count), as: UTF8.self)
        switch body {
        case "wb42": return (.greeting, answer.length)
        case "wb31": return (.ready, answer.length)
        case "wb21": return (.acknowledgement, answer.length)
        case _ where body.hasPrefix("\"") && body.count > 2:
            return (.delivery(payload: (answer.body.lowerBound + 1)..<(answer.length - 1)), answer.length)
        default: throw LoadError("an unexpected answer: \(body)")
        }
    }

    func varying(in frame: [UInt8]) -> Range<Int>? { HTTPAnswer.date(in: frame) }

    private static func request(_ kind: String, _ identity: String?, _ body: String) -> [UInt8] {
        var head = "POST /watchbox.\(kind).wb HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        if let identity { head += "Cookie: \(cookie)=\(identity)\r\n" }
        if !body.isEmpty { head += "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n" }
        return Array((head + "Content-Length: \(body.utf8.count)\r\n\r\n" + body).utf8)
    }
}
