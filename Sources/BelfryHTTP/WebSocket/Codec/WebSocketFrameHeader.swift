// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The 2 to 14 bytes before a frame's payload (RFC 6455, §5.2).
struct WebSocketFrameHeader: Equatable {
    /// The most bytes a header has.
    static let maxBytes = 14

    /// FIN, the reserved bits and the opcode.
    let first: UInt8
    let isMasked: Bool
    /// Bytes of the payload; nil where the length is not in its shortest form, or has its highest bit set.
    let length: Int?
    /// The first byte's mask in the lowest eight bits; 0 without.
    let key: UInt32
    /// Bytes of the header itself.
    let count: Int

    var isFinal: Bool { first & 0x80 != 0 }
    var isCompressed: Bool { first & 0x40 != 0 }
    var hasReservedBits: Bool { first & 0x30 != 0 }
    var opcode: WebSocketOpcode? { WebSocketOpcode(rawValue: first & 0x0F) }

    /// How many bytes a header has whose second byte is this.
    @inline(__always)
    static func count(second: UInt8) -> Int {
        let length: Int
        switch second & 0x7F {
        case 126: length = 4
        case 127: length = 10
        default: length = 2
        }
        return second & 0x80 == 0 ? length : length &+ 4
    }

    /// Reads the header at an index; nil while it is not all there.
    @inline(__always)
    init?(_ bytes: Span<UInt8>, at start: Int) {
        guard start &+ 2 <= bytes.count else { return nil }
        let second = bytes[start &+ 1]
        let count = Self.count(second: second)
        guard start &+ count <= bytes.count else { return nil }
        first = bytes[start]
        isMasked = second & 0x80 != 0
        self.count = count
        switch second & 0x7F {
        case 126:
            let value = Int(bytes[start &+ 2]) << 8 | Int(bytes[start &+ 3])
            length = value > 125 ? value : nil
        case 127:
            var value: UInt64 = 0
            for index in 2..<10 { value = value << 8 | UInt64(bytes[start &+ index]) }
            length = value > 65_535 ? Int(exactly: value) : nil
        case let value: length = Int(value)
        }
        guard isMasked else {
            key = 0
            return
        }
        let at = start &+ count &- 4
        key =
            UInt32(bytes[at]) | UInt32(bytes[at &+ 1]) << 8 | UInt32(bytes[at &+ 2]) << 16
            | UInt32(bytes[at &+ 3]) << 24
    }
}
