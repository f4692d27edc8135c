// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry

extension Server {
    /// How a MissionCommander server is set up.
    ///
    /// Every default is stated here.
    public struct Configuration: Sendable {
        /// The room that every client is in: publishing to it is sending to all.
        public var room = "missioncommander"
        /// How long a client may take to say who it is.
        public var negotiationTimeout = Duration.seconds(5)
        /// Bytes of one message's body; a client that says it sends more is closed.
        public var maxBodyBytes = 16 * 1024 * 1024
        /// Bytes of a client's id in UTF-8.
        public var maxIDBytes = 255
        /// Messages that wait for one client that is away; then the oldest go.
        ///
        /// For clients that resume the room keeps as many at least, unless the broker's `history` or `store` says what it
        /// keeps.
        public var maxQueuedMessages = 4_096
        /// Bytes that wait for one client that is away; then the oldest messages go.
        public var maxQueuedBytes = 4 * 1024 * 1024
        /// Clients whose ids are known, connected or away; then those that have been away for longest are forgotten.
        public var maxKnownIDs = 65_536
        /// How long, in all, stopping waits for the clients to close.
        public var stopTimeout = Duration.seconds(3)
        /// Whether what clients send is published into the room, so that all clients, the sender too, get it.
        public var publishesClientMessages = false

        /// Makes a configuration with the defaults stated above.
        public init() {}
    }

    /// What can be set by name.
    public enum Property: String, Sendable, CaseIterable {
        /// Where to listen: empty or `*` for all addresses, an address, a host's name, or a device's name as in `lo`.
        case interface
        /// The port; 0 lets the kernel choose.
        case port
    }

    /// Who a message is for.
    public enum Recipient: Sendable, Hashable, ExpressibleByStringLiteral {
        /// One client.
        case id(String)
        /// Every client that is known, connected or away.
        case all

        /// Reads an id; `*` stands for all (MissionCommander wire, §6).
        public init(_ text: String) { self = text == "*" ? .all : .id(text) }

        /// The same for a literal.
        public init(stringLiteral value: String) { self.init(value) }
    }

    /// A client came or went.
    public struct ClientChange: Sendable, Hashable {
        /// What happened.
        public enum Kind: Sendable, Hashable {
            /// A client with a new id is connected.
            case joined
            /// A client that had been away is connected again, and has been sent what waited for it.
            case returned
            /// A further connection with the id of a connected client has taken its place.
            case replaced
            /// The connection ended; `isKnown` tells whether the client's messages wait for it from now on.
            case left
        }

        /// The client.
        public let id: String
        /// What happened.
        public let kind: Kind
        /// Whether the id is still known: false once the client has left on purpose.
        public let isKnown: Bool
    }

    /// What a client said.
    public struct ReceivedMessage: Sendable, Hashable {
        /// The client's id.
        public let id: String
        /// The client's session on the broker.
        public let session: SessionID
        /// The message; its payload may be any JSON value.
        public let message: Message
    }

    /// What the server counted since it was made.
    public struct Statistics: Sendable, Hashable {
        /// Clients that are connected.
        public var connected = 0
        /// Clients that are away and whose messages wait.
        public var away = 0
        /// Messages for clients that were away that had to go.
        public var lost = 0
        /// Ids that were forgotten to make room for others.
        public var forgotten = 0
    }
}
