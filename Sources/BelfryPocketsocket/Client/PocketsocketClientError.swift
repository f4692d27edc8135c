// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What can go wrong with a ``PocketsocketClient``.
public struct PocketsocketClientError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure; new ones may be added, so a switch needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case badAddress, unknownServer, unavailable, connectFailed, connectionLost, gaveUp, notConnected, queueFull
            case badData, tooLarge, unconfirmed, timedOut, closed, cancelled
        }

        private let kind: Kind

        /// An address, or a list of them, can't be read, or is of a kind that can't be connected to.
        public static let badAddress = Code(kind: .badAddress)
        /// The address is not one of the client's servers.
        public static let unknownServer = Code(kind: .unknownServer)
        /// There is no such engine, or no event loop.
        public static let unavailable = Code(kind: .unavailable)
        /// A server was not reached, or did not take the client; the message has the reason.
        public static let connectFailed = Code(kind: .connectFailed)
        /// A connection broke.
        public static let connectionLost = Code(kind: .connectionLost)
        /// The attempts to reach a server are used up.
        public static let gaveUp = Code(kind: .gaveUp)
        /// The client was not connected, was closed, or has given the server up.
        public static let notConnected = Code(kind: .notConnected)
        /// Too much waits for a server that is being reconnected.
        public static let queueFull = Code(kind: .queueFull)
        /// The data is not JSON.
        public static let badData = Code(kind: .badData)
        /// The message is larger than `maxMessageBytes`.
        public static let tooLarge = Code(kind: .tooLarge)
        /// The connection ended before the server's receipt: the message may have arrived or not.
        public static let unconfirmed = Code(kind: .unconfirmed)
        /// No receipt came in time.
        public static let timedOut = Code(kind: .timedOut)
        /// The client was closed meanwhile.
        public static let closed = Code(kind: .closed)
        /// The task was cancelled while it waited.
        public static let cancelled = Code(kind: .cancelled)

        /// The code's name.
        public var description: String { kind.rawValue }
    }

    /// The kind of failure.
    public let code: Code
    /// One sentence for a person.
    public let message: String
    /// The ids of the messages that are concerned; those without id are not among them.
    public let messageIDs: [String]
    /// The error behind this one.
    public let cause: (any Error)?

    init(_ code: Code, _ message: String, messageIDs: [String] = [], cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.messageIDs = messageIDs
        self.cause = cause
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
