// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What can go wrong with a WebSocket.
public struct WebSocketError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure; new ones may be added, so a switch needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case invalidURL, connectFailed, untrusted, refused, badHandshake, closed, connectionLost, protocolError,
                cancelled
        }

        private let kind: Kind

        /// The URL can't be read, or is of a kind that can't be connected to.
        public static let invalidURL = Code(kind: .invalidURL)
        /// There was no connection, or no answer in time; the message has the reason.
        public static let connectFailed = Code(kind: .connectFailed)
        /// The server's certificate is expired, for another host, or of nobody who is trusted; the message has the reason.
        public static let untrusted = Code(kind: .untrusted)
        /// The server answered with another status than 101; the message has it.
        public static let refused = Code(kind: .refused)
        /// The server's answer is no WebSocket handshake.
        public static let badHandshake = Code(kind: .badHandshake)
        /// The WebSocket is closed, or was closed by the other side with a code that is no good end.
        public static let closed = Code(kind: .closed)
        /// The connection ended without a close frame.
        public static let connectionLost = Code(kind: .connectionLost)
        /// The other side broke the protocol.
        public static let protocolError = Code(kind: .protocolError)
        /// The task was cancelled while it waited.
        public static let cancelled = Code(kind: .cancelled)

        /// The code's name.
        public var description: String { kind.rawValue }
    }

    /// The kind of failure.
    public let code: Code
    /// One sentence for a person.
    public let message: String
    /// The code of the close frame that was sent or received, if there was one.
    public let closeCode: WebSocketCloseCode?

    init(_ code: Code, _ message: String, closeCode: WebSocketCloseCode? = nil) {
        self.code = code
        self.message = message
        self.closeCode = closeCode
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
