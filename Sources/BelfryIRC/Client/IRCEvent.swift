// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What happens to a client.
public enum IRCEvent: Sendable, Hashable {
    /// The server let the client in, under this nickname; channels are joined again next.
    case registered(nickname: String)
    /// The server said something; PING and PONG are the client's own affair and do not show.
    case message(IRCMessage)
    /// The connection is gone, and why.
    case disconnected(reason: String)
}
