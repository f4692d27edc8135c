// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryIO
public import Metrics

/// How a broker is set up.
///
/// Every default is stated here.
public struct BrokerConfiguration: Sendable {
    /// The I/O engine: the one word.
    public var io = IOChoice.automatic
    /// Event loops; nil takes one per core this process may use.
    public var loops: Int?
    /// What is kept in memory of every room; nothing by default.
    public var history = HistoryLimit()
    /// What is kept in memory of a room for clients that resume, where `history` and `store` keep nothing: from when the
    /// first such client joins to five minutes after the last one left; 0 messages for none.
    public var resumeHistory = HistoryLimit(messages: 1_000, bytes: 4 * 1024 * 1024)
    /// Where every room's messages are kept beyond memory, as in a `SQLiteHistory`; nil keeps none.
    ///
    /// One broker at a time; it closes the store when it has stopped. With a store, `history` says what is in memory
    /// besides: 256 messages and 1 MiB of a room unless it says more.
    public var store: (any HistoryStore)?
    /// How far a network subscriber may fall behind in a room.
    public var lag = LagLimit()
    /// What nobody may exceed.
    public var limits = Limits()
    /// How long a drain may take before what is left is closed.
    public var drainTimeout = Duration.seconds(10)
    /// Where figures go; nil takes what `MetricsSystem` was bootstrapped with when the broker is made.
    public var metrics: (any MetricsFactory)?
    /// Sizes of the I/O engine.
    public var ioOptions = IOOptions()

    /// Makes a configuration with the defaults stated above.
    public init(io: IOChoice = .automatic, loops: Int? = nil) {
        self.io = io
        self.loops = loops
    }

    /// Bounds on what clients may ask of the broker.
    public struct Limits: Sendable, Hashable {
        /// Connections in all.
        public var maxConnections = 65_536
        /// Connections from one address; Unix sockets are not counted.
        public var maxConnectionsPerAddress = 65_536
        /// Bytes of one message, payload and event; a longer one is refused, or its sender closed.
        public var maxMessageBytes = 16 * 1024 * 1024
        /// Rooms that one session may be in.
        public var maxRoomsPerSession = 128
        /// Rooms in all.
        public var maxRooms = 1_048_576
        /// Bytes of a room's name.
        public var maxRoomNameBytes = 255
        /// Bytes of direct frames that wait for one connection before it counts as a slow consumer.
        public var maxPendingBytes = 8 * 1024 * 1024
        /// Bytes of all frame logs together; beyond that, the subscribers furthest behind lose first.
        public var maxFrameLogBytes = 1024 * 1024 * 1024
        /// How long a peer may take to close its side after ours.
        public var closeGrace = Duration.seconds(1)

        /// Makes limits with the defaults stated above.
        public init() {}
    }
}
