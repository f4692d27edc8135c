// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry

/// What is known in memory of the rooms of a history.
///
/// Pure value.
struct HistoryRooms {
    /// One room.
    struct Record {
        let name: String
        var epoch: UInt64
        var pastEpochs: [StoredRoom.PastEpoch] = []
        /// The offset behind the last message that was handed over.
        var nextOffset: UInt64 = 0
        /// The offset behind the last message that is stored.
        var storedEnd: UInt64 = 0
        var firstOffset: UInt64 = 0
        var messages: Int64 = 0
        var bytes: Int64 = 0
        var lastTimestamp: Int64 = 0
        /// Whether the file has a row of it.
        var isStored = false
    }

    private var numbers: [String: Int64] = [:]
    private(set) var records: [Int64: Record] = [:]
    private var lastNumber: Int64 = 0

    subscript(_ id: StoredRoom.ID) -> Record? {
        get { records[id.number] }
        set { records[id.number] = newValue }
    }

    mutating func load(_ number: Int64, _ record: Record) {
        numbers[record.name] = number
        records[number] = record
        lastNumber = max(lastNumber, number)
    }

    /// The room of a name, made if there are fewer than `limit`.
    mutating func open(_ name: String, standing: RoomPosition?, limit: Int) -> StoredRoom? {
        let number: Int64
        if let known = numbers[name] {
            // Two orders can't be made one.
            guard standing == nil || records[known]?.nextOffset == 0 else { return nil }
            number = known
        } else {
            guard records.count < limit else { return nil }
            number = lastNumber + 1
            load(number, Record(name: name, epoch: UInt64.random(in: 1...UInt64.max)))
        }
        if let standing {
            records[number]?.epoch = standing.epoch
            records[number]?.nextOffset = standing.offset
            records[number]?.storedEnd = standing.offset
            records[number]?.firstOffset = standing.offset
        }
        guard let record = records[number] else { return nil }
        return StoredRoom(
            id: .init(number),
            epoch: record.epoch,
            nextOffset: record.nextOffset,
            lastTimestamp: record.lastTimestamp,
            pastEpochs: record.pastEpochs
        )
    }

    /// Forgets a room, unless something was published in it.
    mutating func forget(_ room: StoredRoom.ID) {
        guard let record = records[room.number], record.nextOffset == 0, !record.isStored else { return }
        records[room.number] = nil
        numbers[record.name] = nil
    }

    /// Notes what was handed over.
    mutating func note(_ messages: [StoredMessage]) {
        for (index, stored) in messages.enumerated() {
            // The last one of a row of the same room says it all.
            if index + 1 < messages.count, messages[index + 1].room == stored.room { continue }
            guard let known = records.index(forKey: stored.room.number) else { continue }
            records.values[known].nextOffset = stored.message.offset + 1
            records.values[known].lastTimestamp = stored.message.timestamp
        }
    }
}
