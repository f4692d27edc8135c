// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Keeps the messages of rooms beyond the process's memory, as `SQLiteHistory` of `BelfryHistory` does.
///
/// A broker is given one by ``BrokerConfiguration/store``, asks it about each room that it makes, and hands it the
/// messages that its loops published, once per turn. What is called on a loop must not wait for a disk.
public protocol HistoryStore: Sendable {
    /// Where the order of a room stands, made if the store has none of the name yet.
    ///
    /// Called on the room's loop; must not wait.
    ///
    /// - Parameter standing: For a room that was made while the store could not be had: its epoch and next offset.
    /// - Returns: nil when the store keeps nothing of the room, as when it can't read what it has, or has another order of
    ///   the room than `standing`; the broker asks again.
    func open(_ room: String, standing: RoomPosition?) -> StoredRoom?

    /// The broker has let go of a room in which nothing was ever published, and the store may forget it.
    ///
    /// Called on loops; must not wait.
    func release(_ room: StoredRoom.ID)

    /// Takes messages, of each room in their order.
    ///
    /// Called on loops; must not wait. Each ``StoredMessage/receipt`` is called once, wherever the store likes.
    func append(_ messages: [StoredMessage])

    /// The offset of the oldest message of a room that can be had; the next one's when there is none.
    ///
    /// Called on loops; must not wait.
    func firstOffset(of room: StoredRoom.ID) -> UInt64

    /// Messages of a room in ascending order, at most `limit`: those next to the cursor, on the side it names.
    ///
    /// Sees everything that was handed over before and has not outlived its retention.
    ///
    /// - Parameter end: Only messages with lower offsets.
    /// - Throws: ``BelfryError`` `.storageFailed`.
    func messages(
        of room: StoredRoom.ID,
        _ cursor: HistoryCursor,
        below end: UInt64,
        limit: Int
    ) async throws(BelfryError) -> [Message]

    /// The newest messages of a room that have all words of a text, in ascending order, at most `limit`.
    ///
    /// - Parameter end: Only messages with lower offsets.
    /// - Throws: ``BelfryError`` `.storageFailed`.
    func search(
        _ text: String,
        in room: StoredRoom.ID,
        below end: UInt64,
        limit: Int
    ) async throws(BelfryError) -> [Message]

    /// How it does; asked about once a second.
    var status: HistoryStatus { get }

    /// Stores what it was handed, and ends; the broker calls it when its loops have ended.
    func close() async
}

/// What a store knows of a room when it opens.
public struct StoredRoom: Sendable, Hashable {
    /// The store's own number of a room.
    public struct ID: Sendable, Hashable {
        /// The number.
        public let number: Int64

        /// Makes the ID with this number.
        public init(_ number: Int64) { self.number = number }
    }

    /// An epoch that has ended, as by a crash: positions in it are good up to its end.
    public struct PastEpoch: Sendable, Hashable {
        /// The epoch.
        public let epoch: UInt64
        /// The offset behind its last message; the next epoch begins there.
        public let endOffset: UInt64

        /// Makes an epoch.
        public init(epoch: UInt64, endOffset: UInt64) {
            self.epoch = epoch
            self.endOffset = endOffset
        }
    }

    /// The store's number of the room.
    public let id: ID
    /// The epoch of the messages to come.
    public let epoch: UInt64
    /// The offset of the next message.
    public let nextOffset: UInt64
    /// The newest message's timestamp, in nanoseconds since 1970; 0 when there was none.
    public let lastTimestamp: Int64
    /// Earlier epochs whose positions can still be resumed from.
    public let pastEpochs: [PastEpoch]

    /// Makes a room.
    public init(id: ID, epoch: UInt64, nextOffset: UInt64, lastTimestamp: Int64, pastEpochs: [PastEpoch]) {
        self.id = id
        self.epoch = epoch
        self.nextOffset = nextOffset
        self.lastTimestamp = lastTimestamp
        self.pastEpochs = pastEpochs
    }
}

/// A message on its way into a store.
public struct StoredMessage: Sendable {
    /// The store's number of the message's room.
    public let room: StoredRoom.ID
    /// The message.
    public let message: Message
    /// Told, once, that the message is stored, or why it is not yet; nil when nobody waits.
    public let receipt: (@Sendable (BelfryError?) -> Void)?

    /// Makes one.
    public init(room: StoredRoom.ID, message: Message, receipt: (@Sendable (BelfryError?) -> Void)? = nil) {
        self.room = room
        self.message = message
        self.receipt = receipt
    }
}

/// How a store does.
public struct HistoryStatus: Sendable, Hashable {
    /// Why messages are not stored for now; nil when all is well.
    public var degradation: String?
    /// Messages that wait to be stored.
    public var pending = 0
    /// Messages stored since the store was made.
    public var stored: UInt64 = 0
    /// Messages that will never be stored, since too many waited.
    public var lost: UInt64 = 0

    /// Makes a status in which all is well.
    public init() {}
}
