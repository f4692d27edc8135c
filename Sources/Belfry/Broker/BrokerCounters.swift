// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The broker's counters; added to by every loop, read by metrics and `statistics`.
final class BrokerCounters: Sendable {
    private let publishedMessages = Atomic<UInt64>(0)
    private let receivedBytes = Atomic<UInt64>(0)
    private let lostMessages = Atomic<UInt64>(0)
    private let slowConsumers = Atomic<UInt64>(0)
    private let acceptedConnections = Atomic<UInt64>(0)
    private let refusedConnections = Atomic<UInt64>(0)
    private let openConnections = Atomic<Int>(0)
    private let openRooms = Atomic<Int>(0)
    private let openPublicRooms = Atomic<Int>(0)

    func published(_ count: UInt64) { publishedMessages.add(count, ordering: .relaxed) }
    func received(_ bytes: Int) { receivedBytes.add(UInt64(bytes), ordering: .relaxed) }
    func lost(_ count: Int) { lostMessages.add(UInt64(max(0, count)), ordering: .relaxed) }
    func slowConsumer() { slowConsumers.add(1, ordering: .relaxed) }
    func refused() { refusedConnections.add(1, ordering: .relaxed) }
    func closed() { openConnections.subtract(1, ordering: .relaxed) }

    /// Counts a room out.
    func closed(_ room: RoomCore) {
        openRooms.subtract(1, ordering: .relaxed)
        if !OwnRoom.isOwn(room.name) { openPublicRooms.subtract(1, ordering: .relaxed) }
    }

    /// Counts a connection in, unless that would pass the limit.
    func open(limit: Int) -> Bool {
        guard openConnections.add(1, ordering: .relaxed).newValue <= limit else {
            openConnections.subtract(1, ordering: .relaxed)
            return false
        }
        acceptedConnections.add(1, ordering: .relaxed)
        return true
    }

    /// Rooms that are no front-end's own.
    var publicRoomCount: Int { openPublicRooms.load(ordering: .relaxed) }

    /// Counts a room in, unless that would pass the limit.
    func openRoom(_ name: String, limit: Int) -> Bool {
        guard openRooms.add(1, ordering: .relaxed).newValue <= limit else {
            openRooms.subtract(1, ordering: .relaxed)
            return false
        }
        if !OwnRoom.isOwn(name) { openPublicRooms.add(1, ordering: .relaxed) }
        return true
    }

    var snapshot: BrokerStatistics {
        BrokerStatistics(
            connections: openConnections.load(ordering: .relaxed),
            rooms: openRooms.load(ordering: .relaxed),
            accepted: acceptedConnections.load(ordering: .relaxed),
            refused: refusedConnections.load(ordering: .relaxed),
            published: publishedMessages.load(ordering: .relaxed),
            receivedBytes: receivedBytes.load(ordering: .relaxed),
            lost: lostMessages.load(ordering: .relaxed),
            slowConsumers: slowConsumers.load(ordering: .relaxed),
            frameLogBytes: 0
        )
    }
}

/// What a broker has done so far.
public struct BrokerStatistics: Sendable, Hashable {
    /// Connections open now.
    public var connections: Int
    /// Rooms that exist now.
    public var rooms: Int
    /// Connections accepted so far.
    public var accepted: UInt64
    /// Connections refused by a limit so far.
    public var refused: UInt64
    /// Messages published so far.
    public var published: UInt64
    /// Bytes received from clients so far.
    public var receivedBytes: UInt64
    /// Messages that subscribers lost so far: one for each subscriber and message.
    public var lost: UInt64
    /// Connections closed as slow consumers so far.
    public var slowConsumers: UInt64
    /// Bytes that frame logs hold now.
    public var frameLogBytes: Int
}
