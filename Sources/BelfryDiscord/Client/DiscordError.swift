// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What can go wrong with a ``DiscordClient``.
public struct DiscordError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of failure; new ones may be added, so a switch needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case badURL, badToken, rejected, unauthorized, forbidden, notFound, refused, rateLimited, unavailable
            case untrusted, unconfirmed, badAnswer, badText, tooManyWaiting, closed, cancelled
        }

        private let kind: Kind

        /// A base URL can't be read.
        public static let badURL = Code(kind: .badURL)
        /// The token can't be one.
        public static let badToken = Code(kind: .badToken)
        /// The gateway does not want this bot as it is: a wrong token, or intents that are not granted.
        public static let rejected = Code(kind: .rejected)
        /// The token is not valid (401); no request is sent any more.
        public static let unauthorized = Code(kind: .unauthorized)
        /// The bot may not do this (403).
        public static let forbidden = Code(kind: .forbidden)
        /// There is no such channel (404), or no forum of this name.
        public static let notFound = Code(kind: .notFound)
        /// Discord refused for another reason; the message has its words.
        public static let refused = Code(kind: .refused)
        /// A rate limit lasts longer than is waited for.
        public static let rateLimited = Code(kind: .rateLimited)
        /// Discord was not reached, or had only errors of its own, for longer than is waited for.
        public static let unavailable = Code(kind: .unavailable)
        /// The certificate of who answered is not trusted.
        public static let untrusted = Code(kind: .untrusted)
        /// The answer did not come: what was asked may have happened or not.
        public static let unconfirmed = Code(kind: .unconfirmed)
        /// Discord answered something that its documentation has no place for.
        public static let badAnswer = Code(kind: .badAnswer)
        /// A text is blank, or a name too long.
        public static let badText = Code(kind: .badText)
        /// Too much waits to be posted.
        public static let tooManyWaiting = Code(kind: .tooManyWaiting)
        /// The client was closed.
        public static let closed = Code(kind: .closed)
        /// The task was cancelled while it waited.
        public static let cancelled = Code(kind: .cancelled)

        /// The code's name.
        public var description: String { kind.rawValue }
    }

    /// The kind of failure.
    public let code: Code
    /// One sentence for a person, without the token.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
