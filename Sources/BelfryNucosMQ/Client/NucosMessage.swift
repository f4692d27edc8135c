// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry

/// A message that a client received.
public struct NucosMessage: Sendable, Hashable {
    /// The room it came through; nil when it was sent to this client or to all.
    public let room: String?
    /// The event's name.
    public let event: String
    /// The content, any JSON.
    public let content: Payload
}

/// What became of a message that a client was given to send.
public enum NucosSendResult: Sendable, Hashable {
    /// It is on its way; the original's `True`.
    case sent
    /// It is held until the handshake is over, or, for a subscription, until there is a connection; the original's
    /// `None`.
    case queued
    /// It is not sent: there is no connection, the content is no JSON, or it is too large; the original's `False`.
    case refused

    /// Whether it is sent or will be.
    public var isAccepted: Bool { self != .refused }
}

/// Why a client's connection ended.
public struct NucosDisconnection: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of end; new ones may be added, so a switch needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case closed, closedByServer, refused, timedOut, failed
        }

        private let kind: Kind

        /// The client was closed.
        public static let closed = Code(kind: .closed)
        /// The server said `shutdown`, or ended the stream.
        public static let closedByServer = Code(kind: .closedByServer)
        /// The handshake failed: the server refused the client, or the client could not answer.
        public static let refused = Code(kind: .refused)
        /// The server did not answer in time.
        public static let timedOut = Code(kind: .timedOut)
        /// The network failed, or the server broke the protocol's rules.
        public static let failed = Code(kind: .failed)

        /// The code's name.
        public var description: String { kind.rawValue }
    }

    /// The kind of end.
    public let code: Code
    /// One sentence for a person.
    public let message: String
    /// Whether the client is going to try to come back.
    public internal(set) var willReconnect = false

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ reason: NucosClientCloseReason) {
        let code: Code =
            switch reason {
            case .noUID, .noSigner, .signingFailed, .refused: .refused
            case .handshakeTimedOut, .idle: .timedOut
            case .serverAnnounced, .peerClosed: .closedByServer
            case .clientClosed, .closeTimedOut: .closed
            }
        self.init(code, reason.rawValue)
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
