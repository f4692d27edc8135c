// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The sizes of the WebSocket frame at the beginning of some bytes (RFC 6455, §5.2).
struct WebSocketFrame {
    let opcode: UInt8
    /// Bytes before the payload, the masking key among them.
    let headerBytes: Int
    let payloadBytes: Int

    /// Bytes of the whole frame.
    var length: Int { headerBytes + payloadBytes }

    /// Nothing if the header is not there in full.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 2 else { return nil }
        opcode = bytes[0] & 0x0F
        let isMasked = bytes[1] & 0x80 != 0
        var size = Int(bytes[1] & 0x7F)
        var header = 2
        if size >= 126 {
            let count = size == 126 ? 2 : 8
            guard bytes.count >= header + count else { return nil }
            size = 0
            for index in 0..<count { size = size << 8 | Int(bytes[header + index]) }
            header += count
            // No server sends as much; the loops' arithmetic then cannot overflow.
            size = min(size & Int.max, 1 << 40)
        }
        headerBytes = header + (isMasked ? 4 : 0)
        guard bytes.count >= headerBytes else { return nil }
        payloadBytes = size
    }
}
