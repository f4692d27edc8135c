// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a frame is (RFC 6455, §5.2).
package enum WebSocketOpcode: UInt8, Sendable {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    /// Whether it may come between the fragments of a message.
    var isControl: Bool { rawValue >= 0x8 }
}

/// What a message is.
package enum WebSocketMessageKind: Sendable, Hashable {
    /// UTF-8, checked.
    case text
    /// Anything.
    case binary

    var opcode: WebSocketOpcode { self == .text ? .text : .binary }
}
