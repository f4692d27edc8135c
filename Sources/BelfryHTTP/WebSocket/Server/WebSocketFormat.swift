// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import Belfry

/// How a protocol on WebSocket says a room's messages: what is in the frames.
package protocol WebSocketContent: Sendable {
    /// The format's name: one frame log per room and name.
    var name: String { get }

    /// Appends the content of a message; returns what it is, or nil when it can't be said in this protocol.
    func encode(room: String, event: String, payload: Payload, into content: inout [UInt8]) -> WebSocketMessageKind?

    /// Whether the content says where the message stands.
    var isPositioned: Bool { get }

    /// The same for content that says where the message stands; other content needs only the one above.
    func encode(
        room: String,
        event: String,
        payload: Payload,
        at offset: UInt64,
        into content: inout [UInt8]
    ) -> WebSocketMessageKind?

    /// Reads the content of a message back; nil when it can't be.
    func decode(_ content: Span<UInt8>, _ kind: WebSocketMessageKind) -> (event: String, payload: Payload)?

    /// Appends what announces a loss of the messages `from..<to`; nil when nothing does.
    func encodeGap(room: String, from: UInt64, to: UInt64, into content: inout [UInt8]) -> WebSocketMessageKind?
}

extension WebSocketContent {
    package var isPositioned: Bool { false }

    package func encode(
        room: String,
        event: String,
        payload: Payload,
        at offset: UInt64,
        into content: inout [UInt8]
    ) -> WebSocketMessageKind? {
        encode(room: room, event: event, payload: payload, into: &content)
    }
}

/// A wire format of rooms for a protocol on WebSocket: each message is framed, and compressed, once for all.
package struct WebSocketFormat<Content: WebSocketContent>: WireFormat {
    package let name: String
    private let content: Content
    private let deflate: WebSocketDeflate?

    /// Makes a format.
    ///
    /// - Parameters:
    ///   - content: What is in the frames.
    ///   - deflate: How messages are compressed, each by itself; nil for as they are.
    package init(_ content: Content, deflate: WebSocketDeflate? = nil) {
        self.content = content
        self.deflate = deflate
        name = deflate == nil ? content.name : content.name + "+deflate"
    }

    package func encode(room: String, event: String, payload: Payload, into frame: inout [UInt8]) {
        var bytes: [UInt8] = []
        guard let kind = content.encode(room: room, event: event, payload: payload, into: &bytes) else { return }
        append(kind, bytes, to: &frame)
    }

    package var isPositioned: Bool { content.isPositioned }

    package func encode(room: String, event: String, payload: Payload, at offset: UInt64, into frame: inout [UInt8]) {
        var bytes: [UInt8] = []
        let kind = content.encode(room: room, event: event, payload: payload, at: offset, into: &bytes)
        if let kind { append(kind, bytes, to: &frame) }
    }

    package func encodeGap(room: String, from: UInt64, to: UInt64, into frame: inout [UInt8]) {
        var bytes: [UInt8] = []
        guard let kind = content.encodeGap(room: room, from: from, to: to, into: &bytes) else { return }
        append(kind, bytes, to: &frame)
    }

    private func append(_ kind: WebSocketMessageKind, _ bytes: [UInt8], to frame: inout [UInt8]) {
        if let deflate, bytes.count >= deflate.minBytes,
            let compressed = MessageDeflater.deflate(
                bytes.span,
                maxWindowBits: deflate.window(deflate.serverMaxWindowBits),
                level: deflate.level
            )
        {
            WebSocketEncoder.append(kind.opcode, compressed.span, isCompressed: true, to: &frame)
        } else {
            WebSocketEncoder.append(kind.opcode, bytes.span, to: &frame)
        }
    }

    package func decode(_ frame: Span<UInt8>) -> (event: String, payload: Payload)? {
        var found: (event: String, payload: Payload)?
        var parameters: DeflateParameters?
        if deflate != nil {
            parameters = DeflateParameters()
            parameters?.serverNoContextTakeover = true
        }
        // Our own frames: a decoder reads them, whatever their length.
        var decoder = WebSocketDecoder(
            .client,
            maxMessageBytes: .max,
            deflate: parameters
        )
        var scratch: [UInt8] = []
        decoder.decode(frame, scratch: &scratch) { event, bytes in
            guard case .message(let kind, let headerBytes) = event else { return }
            found = content.decode(bytes.extracting(droppingFirst: headerBytes), kind)
        }
        return found
    }
}

extension WebSocketConnection {
    /// The format in which this connection shares a room's frames with others: compressed where that was agreed on.
    package func format<Content: WebSocketContent>(_ content: Content) -> WebSocketFormat<Content> {
        guard let deflate, let options = configuration.deflate, !options.serverContextTakeover,
            deflate.serverMaxWindowBits >= options.window(options.serverMaxWindowBits)
        else { return WebSocketFormat(content) }
        // Bytes that others see as well have no place in a window of this connection's own.
        return WebSocketFormat(content, deflate: options)
    }
}
