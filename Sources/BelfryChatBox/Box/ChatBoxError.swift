// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What can go wrong with a chat box.
public struct ChatBoxError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure; new ones may be added, so a switch needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case cannotOpen, storage, notActive, noCreateCallback, createFailed, idRequired, badID, idInUse
            case unknownClient, tooManyWaiting, tooLarge, limitExceeded, reentrantAccess, wrongConnection, closed
            case cancelled
        }

        private let kind: Kind

        /// The database can't be opened.
        public static let cannotOpen = Code(kind: .cannotOpen)
        /// The database could not read or store something; what was to be sent is not sent.
        public static let storage = Code(kind: .storage)
        /// The client is not active.
        public static let notActive = Code(kind: .notActive)
        /// A client is new, and the other service has no create callback.
        public static let noCreateCallback = Code(kind: .noCreateCallback)
        /// The other service's create callback threw; ``ChatBoxError/cause`` has its error.
        public static let createFailed = Code(kind: .createFailed)
        /// An access without an id, to a service whose ids can't be made up.
        public static let idRequired = Code(kind: .idRequired)
        /// An id whose text can't be read back, in the database or from a create callback.
        public static let badID = Code(kind: .badID)
        /// An id belongs to another pair already.
        public static let idInUse = Code(kind: .idInUse)
        /// No pair has this id.
        public static let unknownClient = Code(kind: .unknownClient)
        /// As many messages wait for the next visit as may.
        public static let tooManyWaiting = Code(kind: .tooManyWaiting)
        /// The text is longer than a message may be.
        public static let tooLarge = Code(kind: .tooLarge)
        /// One of the box's bounds stands against it; the message names it.
        public static let limitExceeded = Code(kind: .limitExceeded)
        /// A callback accesses the client whose access it is called by.
        public static let reentrantAccess = Code(kind: .reentrantAccess)
        /// A message of a connection that is not this one, or a connection of another box.
        public static let wrongConnection = Code(kind: .wrongConnection)
        /// The box is closed.
        public static let closed = Code(kind: .closed)
        /// The task was cancelled while it waited; nothing was stored.
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

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The code, the message and what is behind them.
    public var description: String { "\(code): \(message)" + (cause.map { ", because of: \($0)" } ?? "") }
}
