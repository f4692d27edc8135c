// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP
import BelfryIO

/// What a decoder gave, with its bytes.
enum SeenEvent: Equatable {
    case text(String)
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    case close(UInt16?, String)
    case failed(UInt16)
}

/// Bytes of a span.
func copy(_ bytes: Span<UInt8>) -> [UInt8] {
    var copied: [UInt8] = []
    copied.append(copying: bytes)
    return copied
}

/// Feeds a stream to a decoder, cut at some places.
func decode(
    _ stream: [UInt8],
    _ role: WebSocketRole = .server,
    cuts: [Int] = [],
    maxMessageBytes: Int = 1 << 20,
    maxFrameBytes: Int? = nil,
    deflate: DeflateParameters? = nil
) -> [SeenEvent] {
    var decoder = WebSocketDecoder(
        role,
        maxMessageBytes: maxMessageBytes,
        maxFrameBytes: maxFrameBytes,
        deflate: deflate
    )
    var seen: [SeenEvent] = []
    var scratch: [UInt8] = []
    var start = 0
    for end in cuts + [stream.count] {
        decoder.decode(stream.span.extracting(start..<end), scratch: &scratch) { event, bytes in
            switch event {
            case .message(.text, let header):
                seen.append(.text(String(decoding: copy(bytes).dropFirst(header), as: UTF8.self)))
                if !isFrame(copy(bytes), header) { seen.append(.failed(0)) }
            case .message(.binary, let header):
                seen.append(.binary(Array(copy(bytes).dropFirst(header))))
                if !isFrame(copy(bytes), header) { seen.append(.failed(0)) }
            case .ping: seen.append(.ping(copy(bytes)))
            case .pong: seen.append(.pong(copy(bytes)))
            case .close(let code): seen.append(.close(code?.rawValue, String(decoding: copy(bytes), as: UTF8.self)))
            case .failed(let fault): seen.append(.failed(fault.code.rawValue))
            }
        }
        start = end
    }
    return seen
}

/// Whether what a message came with is a whole server's frame of it.
private func isFrame(_ bytes: [UInt8], _ header: Int) -> Bool {
    var frame: [UInt8] = []
    let payload = Array(bytes.dropFirst(header))
    WebSocketEncoder.append(bytes[0] & 0x0F == 1 ? .text : .binary, payload.span, to: &frame)
    return frame == bytes
}

/// Frames as a client or a server writes them.
struct Frames {
    var role = WebSocketRole.server
    var bytes: [UInt8] = []

    /// For a decoder on this side.
    init(_ role: WebSocketRole = .server) { self.role = role }

    func adding(
        _ opcode: WebSocketOpcode,
        _ payload: [UInt8],
        final: Bool = true,
        compressed: Bool = false,
        bits: UInt8 = 0
    ) -> Frames {
        var frames = self
        let start = frames.bytes.count
        WebSocketEncoder.append(
            opcode,
            payload.span,
            isFinal: final,
            isCompressed: compressed,
            key: role == .server ? 0x8421_F0A7 : nil,
            to: &frames.bytes
        )
        frames.bytes[start] |= bits
        return frames
    }

    func adding(_ opcode: WebSocketOpcode, _ text: String, final: Bool = true) -> Frames {
        adding(opcode, Array(text.utf8), final: final)
    }

    func adding(raw: [UInt8]) -> Frames {
        var frames = self
        frames.bytes += raw
        return frames
    }
}
