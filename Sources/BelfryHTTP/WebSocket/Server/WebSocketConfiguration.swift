// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The bounds of a server's WebSockets, with every default.
public struct WebSocketConfiguration: Sendable, Hashable {
    /// Bytes of one message, after decompression; a longer one ends the connection with 1009.
    public var maxMessageBytes = 16 * 1024 * 1024
    /// Bytes of one frame; nil for as many as a message may have.
    public var maxFrameBytes: Int?
    /// Compression, if the client offers it; nil, the default, does without.
    public var deflate: WebSocketDeflate?
    /// Which web pages may connect; others get 403.
    public var origins = WebSocketOrigins.sameOrigin
    /// Subprotocols that are spoken; the client's first that is among them is chosen.
    public var subprotocols: [String] = []
    /// How long a client may be silent before it is sent a ping.
    public var pingInterval = Duration.seconds(30)
    /// How long it may then stay silent, from the moment that the kernel has taken the ping.
    public var pongTimeout = Duration.seconds(10)
    /// How long a client may take nothing of what is queued for it, the ping included.
    public var stallTimeout = Duration.seconds(30)
    /// How long the other side may take to answer a close frame.
    public var closeTimeout = Duration.seconds(2)
    /// Bytes a second that a message has to come with, counted after the first ten seconds; 0 for no bound.
    public var minBytesPerSecond = 1024

    /// Makes a configuration with the defaults stated above.
    public init() {}
}
