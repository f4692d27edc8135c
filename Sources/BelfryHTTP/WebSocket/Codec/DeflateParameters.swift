// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What both sides have agreed on for permessage-deflate (RFC 7692, §7.1).
package struct DeflateParameters: Sendable, Equatable {
    /// The server compresses each message by itself.
    package var serverNoContextTakeover = false
    /// The client compresses each message by itself.
    package var clientNoContextTakeover = false
    /// How far back the server's messages refer, as a power of two: 8 to 15.
    package var serverMaxWindowBits = 15
    /// How far back the client's messages refer, as a power of two: 8 to 15.
    package var clientMaxWindowBits = 15

    /// No restrictions.
    package init() {}
}

/// How messages are compressed with permessage-deflate (RFC 7692).
public struct WebSocketDeflate: Sendable, Hashable {
    /// How hard to try: 1, the fastest, to 9, the smallest.
    public var level = 3
    /// Shorter messages go as they are.
    public var minBytes = 64
    /// Whether the server's messages refer to earlier ones: smaller, but it costs up to 260 KB a connection, and a
    /// room's message can't be compressed once for all.
    public var serverContextTakeover = false
    /// Whether the client's messages refer to earlier ones: smaller, but it costs the server 40 KB a connection.
    public var clientContextTakeover = false
    /// The largest window of the server's messages, as a power of two: 9 to 15.
    public var serverMaxWindowBits = 15
    /// The largest window of the client's messages, as a power of two: 9 to 15; for clients that let the server say.
    public var clientMaxWindowBits = 15

    /// Makes options with the defaults stated above.
    public init() {}
}
