// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What can go wrong in the broker.
public struct BelfryError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure; new ones may be added, so a switch needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case limitExceeded, slowConsumer, revoked, closed, invalidArgument, startFailed, storageFailed
        }

        private let kind: Kind

        /// One of the broker's limits stands against it; the message names it.
        public static let limitExceeded = Code(kind: .limitExceeded)
        /// A subscription with the policy `.disconnect` fell too far behind.
        public static let slowConsumer = Code(kind: .slowConsumer)
        /// The subscription was taken away.
        public static let revoked = Code(kind: .revoked)
        /// The broker, room or session is closed.
        public static let closed = Code(kind: .closed)
        /// An argument is out of its bounds.
        public static let invalidArgument = Code(kind: .invalidArgument)
        /// The broker could not start; the message has the reason.
        public static let startFailed = Code(kind: .startFailed)

        /// The store of the history failed; the message has the reason.
        public static let storageFailed = Code(kind: .storageFailed)

        /// The code's name.
        public var description: String { kind.rawValue }
    }

    /// The kind of failure.
    public let code: Code
    /// One sentence for a person.
    public let message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
