// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Why a WebSocket ends, as the closing side says it (RFC 6455, §7.4).
public struct WebSocketCloseCode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: UInt16

    /// Any number; see ``isSendable``.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The purpose is fulfilled.
    public static let normal = WebSocketCloseCode(rawValue: 1000)
    /// The server goes down, or the page is left.
    public static let goingAway = WebSocketCloseCode(rawValue: 1001)
    /// The other side broke the protocol.
    public static let protocolError = WebSocketCloseCode(rawValue: 1002)
    /// The other side sent a kind of data that is not accepted.
    public static let unsupportedData = WebSocketCloseCode(rawValue: 1003)
    /// A close frame had no code; never on the wire.
    public static let noStatus = WebSocketCloseCode(rawValue: 1005)
    /// The connection ended without a close frame; never on the wire.
    public static let abnormal = WebSocketCloseCode(rawValue: 1006)
    /// A text was not UTF-8, or a compressed message could not be read.
    public static let invalidData = WebSocketCloseCode(rawValue: 1007)
    /// Something that no other code names.
    public static let policyViolation = WebSocketCloseCode(rawValue: 1008)
    /// A message is longer than is accepted.
    public static let messageTooBig = WebSocketCloseCode(rawValue: 1009)
    /// The client misses an extension.
    public static let missingExtension = WebSocketCloseCode(rawValue: 1010)
    /// The server met a condition that it did not expect.
    public static let internalError = WebSocketCloseCode(rawValue: 1011)
    /// The server restarts.
    public static let serviceRestart = WebSocketCloseCode(rawValue: 1012)
    /// The server is overloaded.
    public static let tryAgainLater = WebSocketCloseCode(rawValue: 1013)

    /// Whether a close frame may carry it: 1000 to 1014 without 1004 to 1006, and 3000 to 4999.
    public var isSendable: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    /// The number.
    public var description: String { "\(rawValue)" }
}
