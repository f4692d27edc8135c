// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What can go wrong with a ``WatchboxClient``.
public struct WatchboxClientError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure; new ones may be added, so a switch needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case badURL, unavailable, connectFailed, connectionLost, notRegistered, badAnswer, refused, queueFull
            case badData, tooLarge, unconfirmed, timedOut, closed, cancelled
        }

        private let kind: Kind

        /// The URL can't be read, or is of a kind that can't be connected to.
        public static let badURL = Code(kind: .badURL)
        /// There is no such engine, or no event loop.
        public static let unavailable = Code(kind: .unavailable)
        /// The server was not reached.
        public static let connectFailed = Code(kind: .connectFailed)
        /// The server did not answer, or not to the end.
        public static let connectionLost = Code(kind: .connectionLost)
        /// The server does not know the client any more.
        public static let notRegistered = Code(kind: .notRegistered)
        /// The server answered something that the protocol has no place for.
        public static let badAnswer = Code(kind: .badAnswer)
        /// The server refuses; what was sent was not delivered.
        public static let refused = Code(kind: .refused)
        /// Too much waits to be sent.
        public static let queueFull = Code(kind: .queueFull)
        /// The payload says that it is JSON, and is not.
        public static let badData = Code(kind: .badData)
        /// The message is larger than `maxMessageBytes`.
        public static let tooLarge = Code(kind: .tooLarge)
        /// The answer did not come: the message may have arrived or not.
        public static let unconfirmed = Code(kind: .unconfirmed)
        /// It did not happen in time.
        public static let timedOut = Code(kind: .timedOut)
        /// The client was closed.
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

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
