// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Something that happened to a client (MissionCommander wire, §5.4).
public enum ClientEvent: Sendable, Hashable {
    /// The first connection after a `connect()` stands.
    case connect(id: String)
    /// A `disconnect()` begins; not for a broken link, nor when the server stops.
    case disconnect
    /// A link that was broken stands again.
    case reconnect(id: String)
    /// A frame of the server's whose subject is not `shutdown`.
    case message(Message)
    /// The server said that it stops; the client ends, and does not reconnect.
    case serverShutdown
    /// The state changed.
    case stateChange(ClientStateTransition)

    /// The event's name.
    public var verb: Verb {
        switch self {
        case .connect: .connect
        case .disconnect: .disconnect
        case .reconnect: .reconnect
        case .message: .message
        case .serverShutdown: .serverShutdown
        case .stateChange: .stateChange
        }
    }
}
