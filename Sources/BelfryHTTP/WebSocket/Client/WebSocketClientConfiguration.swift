// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryIO

extension WebSocketClient {
    /// The bounds of a client's WebSocket, with every default.
    public struct Configuration: Sendable, Hashable {
        /// Subprotocols to offer, the best first.
        public var subprotocols: [String] = []
        /// Fields of the request beside those of the handshake, as `Authorization`; none with line ends.
        public var fields: [Field] = []
        /// Compression to offer; nil, the default, does without.
        public var deflate: WebSocketDeflate?
        /// How long connecting may take, with looking the name up.
        public var connectTimeout = Duration.seconds(10)
        /// For `wss`: a file in PEM with the certificate authorities to trust; nil, the default, for the system's, which
        /// the environment variables `SSL_CERT_FILE` and `SSL_CERT_DIR` replace.
        public var authorities: String?
        /// How long the server may then take to answer the handshake, and before it TLS's.
        public var handshakeTimeout = Duration.seconds(10)
        /// Bytes of one message, after decompression; a longer one ends the connection with 1009.
        public var maxMessageBytes = 16 * 1024 * 1024
        /// Bytes of messages that wait for the reader before the socket is paused; one message of any allowed size, and
        /// what the kernel hands over in one go, may come on top.
        public var maxReceivedBytes = 1024 * 1024
        /// Bytes that wait to be sent before `send` waits; one message of any size is taken whole.
        public var maxPendingBytes = 1024 * 1024
        /// How long the server may be silent before it is sent a ping; nil for no pings.
        public var pingInterval: Duration? = Duration.seconds(30)
        /// How long it may then stay silent, from the moment that the kernel has taken the ping.
        public var pongTimeout = Duration.seconds(10)
        /// How TCP finds out that a silent server is gone, where there are no pings; nil, the default, for not at all.
        public var keepAlive: KeepAlive?
        /// How long the server may take to answer a close frame, and then to close the connection.
        public var closeTimeout = Duration.seconds(5)

        /// Makes a configuration with the defaults stated above.
        public init() {}

        /// A field of the request.
        public struct Field: Sendable, Hashable {
            /// The name.
            public var name: String
            /// The value.
            public var value: String

            /// Makes a field.
            public init(_ name: String, _ value: String) {
                self.name = name
                self.value = value
            }
        }
    }
}
