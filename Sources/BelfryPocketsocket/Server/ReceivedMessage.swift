// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import BelfryIO

/// What a client said.
public struct ReceivedMessage: Sendable, Hashable {
    /// The client's session on the broker.
    public let session: SessionID
    /// The client's end of the connection; nil on a Unix socket.
    public let peer: SocketAddress?
    /// The text as it came.
    public let text: String
    /// The channel; nil for a text that is no message (Pocketsocket wire, §2.1).
    public let channel: String?
    /// The event; empty for a message without.
    public let event: String
    /// The data, a JSON text; `{}` where there is none.
    public let data: Payload
}
