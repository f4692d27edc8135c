// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What can go wrong with a MissionCommander client or server.
///
/// Where the original has a text for it, `message` is that text.
public struct MissionCommanderError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure; new ones may be added, so a switch needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case invalidValue, notSet, running, notStarted, startFailed, connectFailed, notConnected, closed
            case unknownVerb, invalidSubject, invalidPayload, queueFull
        }

        private let kind: Kind

        /// A property was given a value of the wrong type or out of its bounds.
        public static let invalidValue = Code(kind: .invalidValue)
        /// A property that is needed has no value.
        public static let notSet = Code(kind: .notSet)
        /// It is running: it must be stopped or disconnected before.
        public static let running = Code(kind: .running)
        /// The server was never started.
        public static let notStarted = Code(kind: .notStarted)
        /// The server could not start, as when the port is taken; the message has the reason.
        public static let startFailed = Code(kind: .startFailed)
        /// The client could not connect; the message has the reason.
        public static let connectFailed = Code(kind: .connectFailed)
        /// There is no connection to send on.
        public static let notConnected = Code(kind: .notConnected)
        /// The broker or the event loop has ended.
        public static let closed = Code(kind: .closed)
        /// No event has this name.
        public static let unknownVerb = Code(kind: .unknownVerb)
        /// The subject does not fit into a header, or is reserved.
        public static let invalidSubject = Code(kind: .invalidSubject)
        /// The payload is not a JSON object.
        public static let invalidPayload = Code(kind: .invalidPayload)
        /// As many messages, or bytes of them, wait to be sent as may.
        public static let queueFull = Code(kind: .queueFull)

        /// The code's name.
        public var description: String { kind.rawValue }
    }

    /// The kind of failure.
    public let code: Code
    /// One sentence for a person.
    public let message: String
    /// The error behind it, if there is one.
    public let cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
