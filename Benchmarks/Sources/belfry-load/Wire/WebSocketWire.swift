// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// WebSocket (RFC 6455) to servers that give every message to every client: there is one room.
///
/// Messages have the form of a Pocketsocket client's. The handshake's key is the one of the RFC, whose answer is known;
/// the masking key is a random one per connection.
struct WebSocketWire: Wire {
    let name: String
    /// Whether each publication is answered by a receipt.
    let acknowledges: Bool
    /// Whether each client is told of every later one.
    let announces: Bool
    /// Whether a publisher gets its own messages back.
    let publisherMustJoin: Bool
    let hasOneRoom = true
    /// Pong, masked with zeros.
    let signOfLife: [UInt8] = [0x8A, 0x80, 0, 0, 0, 0]
    /// Close, 1000, masked with zeros.
    let farewell: [UInt8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8]

    /// Pocketsocket: receipts for the publisher, presence for everybody.
    static let pocketsocket = WebSocketWire(
        name: "pocketsocket",
        acknowledges: true,
        announces: true,
        publisherMustJoin: false
    )
    /// A server that gives messages to all other clients and says nothing itself.
    static let broadcaster = WebSocketWire(
        name: "websocket",
        acknowledges: false,
        announces: false,
        publisherMustJoin: false
    )
    /// The same for one that gives them to the sender too.
    static let echoing = WebSocketWire(
        name: "websocket-echo",
        acknowledges: false,
        announces: false,
        publisherMustJoin: true
    )

    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    private static let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    private static let beforePayload = #"{"id":"0.lchkqdo","message":"load.event","data":""#
    private static let behindPayload = #""}"#

    func opening(room: String?) -> [UInt8] {
        let head = """
            GET / HTTP/1.1\r
            Host: 127.0.0.1\r
            Connection: Upgrade\r
            Upgrade: websocket\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: \(Self.key)\r
            \r\n
            """
        return Array(head.utf8)
    }

    func publication(room: String, payload: [UInt8]) -> [UInt8] {
        let message = Array(Self.beforePayload.utf8) + payload + Array(Self.behindPayload.utf8)
        let key = (0..<4).map { _ in UInt8.random(in: 1...255) }
        return Self.header(length: message.count, isMasked: true) + key
            + message.indices.map { message[$0] ^ key[$0 & 3] }
    }

    func stamp(in publication: [UInt8], payload: [UInt8]) -> (offset: Int, mask: UInt64)? {
        guard let frame = publication.withUnsafeBytes({ WebSocketFrame($0) }), frame.headerBytes >= 6 else {
            return nil
        }
        let key = publication[(frame.headerBytes - 4)..<frame.headerBytes]
        let place = Self.beforePayload.utf8.count
        var mask: UInt64 = 0
        for index in 0..<8 {
            mask |= UInt64(key[key.startIndex + (place + index) & 3]) << UInt64(8 * index)
        }
        return (frame.headerBytes + place, mask)
    }

    func receipts(first: [UInt8]) -> ReceiptCounter? { acknowledges ? ReceiptCounter(first: first) : nil }

    func parse(_ bytes: ArraySlice<UInt8>) throws -> (item: WireItem, length: Int)? {
        if bytes.first == UInt8(ascii: "H") {
            guard let end = bytes.end(of: Array("\r\n\r\n".utf8)) else { return nil }
            let head = String(decoding: bytes[..<end], as: UTF8.self)
            guard head.hasPrefix("HTTP/1.1 101 "), head.contains(Self.accept) else {
                throw LoadError("no WebSocket but \(head)")
            }
            return (.ready, end - bytes.startIndex)
        }
        guard let frame = bytes.withUnsafeBytes({ WebSocketFrame($0) }), bytes.count >= frame.length else { return nil }
        let payload = bytes.dropFirst(frame.headerBytes).prefix(frame.payloadBytes)
        switch frame.opcode {
        case 1:
            if payload.starts(with: Self.beforePayload.utf8) {
                let start = frame.headerBytes + Self.beforePayload.utf8.count
                guard start < frame.length - 2 else { throw LoadError("a message without payload") }
                return (.delivery(payload: start..<(frame.length - 2)), frame.length)
            }
            if acknowledges, ReceiptCounter.isReceipt(payload) { return (.acknowledgement, frame.length) }
            if announces, ReceiptCounter.isPresence(payload) { return (.interlude, frame.length) }
        case 9:
            return (.interlude, frame.length)
        default:
            break
        }
        throw LoadError("unexpected WebSocket frame \(frame.opcode) \(String(decoding: payload, as: UTF8.self))")
    }

    private static func header(length: Int, isMasked: Bool) -> [UInt8] {
        let mask: UInt8 = isMasked ? 0x80 : 0
        if length < 126 { return [0x81, mask | UInt8(length)] }
        if length < 65_536 { return [0x81, mask | 126, UInt8(length >> 8), UInt8(length & 0xFF)] }
        return [0x81, mask | 127] + (0..<8).map { UInt8(truncatingIfNeeded: length >> (56 - 8 * $0)) }
    }

    /// A message as a server sends it, for the self-check.
    static func delivery(_ payload: String) -> [UInt8] { text(beforePayload + payload + behindPayload) }

    /// A text as a server sends it, for the self-check.
    static func text(_ text: String) -> [UInt8] {
        header(length: text.utf8.count, isMasked: false) + Array(text.utf8)
    }

    /// What a server answers to the opening, for the self-check.
    static let acceptance = Array(
        """
        HTTP/1.1 101 Switching Protocols\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Accept: \(accept)\r
        \r\n
        """.utf8
    )
}
