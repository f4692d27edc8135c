// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry

extension PocketsocketClient {
    /// How a client behaves, with every default.
    public struct Configuration: Sendable {
        /// How the client comes back to a server that it lost or did not reach; nil for never.
        ///
        /// Every second, less up to a fifth by lot, and at most 5 attempts; counted anew after each success.
        public var reconnect: ReconnectPolicy?
        /// Whether the client, coming back, asks for what it missed; a server that knows nothing of it goes on as ever.
        ///
        /// A server that does says `resume` on the channel `socket` at each connection, with `recovered` and `lost`; it
        /// says that before anything else.
        public var resumes = true
        /// Messages for one server that wait, whether it is open or being reconnected; at least 1.
        ///
        /// While it is open, who sends more waits; otherwise sending fails with `.queueFull`.
        public var maxQueuedMessages = 100
        /// The same in bytes; one message of any allowed size is taken when nothing else waits.
        public var maxQueuedBytes = 1024 * 1024
        /// Bytes of one message, in both directions: an original server drops who sends 4 MiB or more.
        public var maxMessageBytes = 4 * 1024 * 1024 - 1
        /// How long a server may be silent before it is sent a ping; nil for no pings.
        ///
        /// An original server answers none, so with pings an idle connection to it would break every time.
        public var heartbeat: Duration?
        /// How long a server may take to answer a ping.
        public var heartbeatTimeout = Duration.seconds(10)
        /// How long connecting to a server may take, and then the handshake.
        public var connectTimeout = Duration.seconds(10)
        /// How long closing waits for what is queued to leave, and then for the server to close as well.
        public var closeTimeout = Duration.seconds(5)

        /// Makes a configuration with the defaults stated above.
        public init() {
            var policy = ReconnectPolicy()
            policy.firstPause = .seconds(1)
            policy.maxPause = .seconds(1)
            policy.jitter = 0.2
            policy.maxAttempts = 5
            reconnect = policy
        }
    }
}
