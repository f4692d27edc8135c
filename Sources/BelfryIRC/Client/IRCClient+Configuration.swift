// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry

extension IRCClient {
    /// Who a client is.
    public struct Identity: Sendable, Hashable {
        /// The wanted nickname; variants of it are tried when it is taken.
        public var nickname: String
        /// The user's name, part of what others see of the client; the nickname unless another is given.
        public var username: String
        /// A text that others can ask for.
        public var realName: String
        /// The server's password, sent as it is; nil for none.
        public var password: String?

        /// Makes an identity.
        public init(
            nickname: String,
            username: String? = nil,
            realName: String = "Belfry",
            password: String? = nil
        ) {
            self.nickname = nickname
            self.username = username ?? nickname
            self.realName = realName
            self.password = password
        }
    }

    /// The bounds of a client, with every default.
    public struct Configuration: Sendable {
        /// How long connecting may take, with looking the name up.
        public var connectTimeout = Duration.seconds(10)
        /// How long the server may then take to let the client in.
        public var registrationTimeout = Duration.seconds(30)
        /// How long ``IRCClient/join(_:key:)`` waits.
        public var joinTimeout = Duration.seconds(15)
        /// After this long without a line the server is asked whether it is there.
        public var pingInterval = Duration.seconds(60)
        /// A server that then says nothing for this long is gone.
        public var pingTimeout = Duration.seconds(30)
        /// Lines that go out at once, until the pace holds them back.
        public var burst = 5
        /// The pace after a burst: a line each so long.
        ///
        /// Servers throw out who is faster than they like.
        public var lineInterval = Duration.seconds(2)
        /// Lines that wait for the pace or for a reconnect; sending past it throws.
        public var maxQueuedLines = 1_000
        /// Lines for one channel or person that wait; they take turns with those for others.
        public var maxQueuedLinesPerTarget = 100
        /// How long, at the end, sending what is queued may take; the pace counts.
        public var quitTimeout = Duration.seconds(5)
        /// How a client whose connection broke comes back: after 2 s, 4 s, … 5 min, for ever; nil for not at all.
        ///
        /// A connection that stood for less than a minute counts as a failed attempt.
        public var reconnect: ReconnectPolicy? = {
            var policy = ReconnectPolicy()
            policy.firstPause = .seconds(2)
            policy.maxPause = .seconds(300)
            return policy
        }()
        /// IRCv3 capabilities to ask for; with none the client does not negotiate.
        public var capabilities: Set<String> = ["message-tags", "server-time"]
        /// The longest line let through, in bytes with its end and without its tags; longer ones are dropped.
        public var maxLineBytes = 512

        /// Makes a configuration with the defaults stated above.
        public init() {}
    }
}
