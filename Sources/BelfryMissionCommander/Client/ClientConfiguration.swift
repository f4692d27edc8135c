// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryIO

extension Client {
    /// The bounds of a client, with every default.
    public struct Configuration: Sendable, Hashable {
        /// How long an attempt to connect may take, with looking the name up (MissionCommander wire, §5.2).
        public var connectTimeout = Duration.seconds(1)
        /// The longest body that is taken, in bytes; a longer one breaks the link.
        public var maxBodyBytes = 16 << 20
        /// Messages that may wait for callbacks, and for a reader of `messages` or `events` that named no limit.
        public var maxWaitingMessages = 256
        /// Messages given to `send` that may wait for a link.
        public var maxQueuedMessages = 1_000
        /// Bytes of messages given to `send` that may wait: for a link, or for a slow server before `send` waits too.
        public var maxQueuedBytes = 1 << 20
        /// Up to this much is added to the pause before the first attempt to come back, so that many clients spread out.
        public var reconnectSpread = Duration.milliseconds(300)
        /// How long callbacks that hear of the server's shutdown may take before the client ends all the same.
        public var callbackTimeout = Duration.seconds(2)
        /// How long sending what is queued may take at a disconnect.
        public var flushTimeout = Duration.seconds(1)
        /// How long the server may then take to end its side.
        public var closeGrace = Duration.seconds(1)
        /// Whether a client that reconnects asks for what it missed of what was sent to all; a server that knows nothing of
        /// that goes on as ever.
        ///
        /// What is missing all the same is announced by a message `gap`, with `from`, `to` and `lost`, which are null where
        /// nobody knows how much. A position lasts from `connect()` to the end of that: the next `connect()` begins afresh.
        /// While `attemptReconnect` is off, the client does not ask.
        public var resumes = true
        /// How a peer is found out that is gone without a word; nil for not at all.
        public var keepAlive: KeepAlive? = KeepAlive()

        /// Makes a configuration with the defaults stated above.
        public init() {}
    }
}
