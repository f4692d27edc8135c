// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// HTTP/1.1, keep-alive: a request with a name, an answer that greets it.
///
/// For the workload `echo` alone. The name is the payload, so each answer shows which request it is for.
struct HTTPWire: Wire {
    let name = "http"

    private static let visitor = "nobody"
    private static let before = Array("Hello, ".utf8)
    private static let behind = Array("!\n".utf8)

    func opening(room: String?) -> [UInt8] { Self.request(Array(Self.visitor.utf8)) }

    func publication(room: String, payload: [UInt8]) -> [UInt8] { Self.request(payload) }

    func parse(_ bytes: ArraySlice<UInt8>) throws -> (item: WireItem, length: Int)? {
        guard let answer = try HTTPAnswer(bytes) else { return nil }
        let body = bytes.dropFirst(answer.body.lowerBound).prefix(answer.body.count)
        guard body.starts(with: Self.before), body.suffix(Self.behind.count).elementsEqual(Self.behind) else {
            throw LoadError("an unexpected answer: \(String(decoding: body, as: UTF8.self))")
        }
        let start = answer.body.lowerBound + Self.before.count
        let payload = start..<max(start, answer.length - Self.behind.count)
        if payload.count == Self.visitor.utf8.count { return (.ready, answer.length) }
        return (.delivery(payload: payload), answer.length)
    }

    func varying(in frame: [UInt8]) -> Range<Int>? { HTTPAnswer.date(in: frame) }

    private static func request(_ name: [UInt8]) -> [UInt8] {
        Array("GET /hello/".utf8) + name + Array(" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8)
    }
}
