// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What can go wrong with IRC.
public struct IRCError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure; new ones may be added, so a switch needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case badMessage, tooLong, badName, connectFailed, refused, joinRefused, queueFull, timedOut, closed
            case cancelled
        }

        private let kind: Kind

        /// A message can't be written: it could end the line, or its parts could be read as others.
        public static let badMessage = Code(kind: .badMessage)
        /// A message is longer than lines may be.
        public static let tooLong = Code(kind: .tooLong)
        /// A nickname or a channel's name is none.
        public static let badName = Code(kind: .badName)
        /// The server was not reached, or the connection broke before it let the client in.
        public static let connectFailed = Code(kind: .connectFailed)
        /// The server does not let the client in; the message has its words.
        public static let refused = Code(kind: .refused)
        /// The server does not let the client into a channel; the message has its words.
        public static let joinRefused = Code(kind: .joinRefused)
        /// Too many lines wait to be sent.
        public static let queueFull = Code(kind: .queueFull)
        /// No answer came in time.
        public static let timedOut = Code(kind: .timedOut)
        /// The client has ended.
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
    /// The error behind this one.
    public let cause: (any Error)?

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
