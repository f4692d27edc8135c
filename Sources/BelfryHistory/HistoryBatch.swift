// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import DequeModule
import Foundation
import GRDB

/// Writes messages in one transaction.
struct HistoryBatch: Sendable {
    let messages: Deque<StoredMessage>
    /// Rooms among them as they were when the batch was cut.
    let rooms: [Int64: HistoryRooms.Record]
    let retention: SQLiteHistory.Retention

    /// The pages that writing it takes, about.
    var pages: Int {
        let bytes = messages.reduce(0) { $0 + $1.message.storedBytes + 64 }
        return 2 + 2 * rooms.count + bytes / 4_096
    }

    /// Writes all, and what that makes of the rooms.
    ///
    /// - Returns: The rooms as they are once the transaction is committed.
    func write(_ db: Database) throws -> [Int64: HistoryRooms.Record] {
        var rooms = rooms
        let insert = try db.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO message (room, offset, time, sender, kind, event, payload)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        )
        for stored in messages {
            let (message, number) = (stored.message, stored.room.number)
            guard let place = rooms.index(forKey: number) else { continue }
            let sender: Int64? = if case .session(let id) = message.sender { Int64(bitPattern: id.number) } else { nil }
            // As many as there are question marks.
            insert.setUncheckedArguments([
                number, Int64(clamping: message.offset), message.timestamp, sender, message.payload.kind.number,
                message.event.storable, Data(message.payload.bytes),
            ])
            try insert.execute()
            rooms.values[place].add(message)
        }
        for (number, var record) in rooms {
            if !record.isStored {
                try db.cachedStatement(sql: "INSERT INTO room VALUES (?, ?, ?, 0, 0, 0, 0, 0)")
                    .execute(arguments: [number, record.name.storable, Int64(bitPattern: record.epoch)])
                record.isStored = true
            }
            try HistoryRetention(retention).apply(to: &record, number, db)
            try Self.update(record, number, db)
            rooms[number] = record
        }
        return rooms
    }

    /// Writes a room's row.
    static func update(_ record: HistoryRooms.Record, _ number: Int64, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                UPDATE room SET next_offset = ?, first_offset = ?, messages = ?, bytes = ?, last_time = ? WHERE id = ?
                """
        ).execute(arguments: [
            Int64(clamping: record.storedEnd), Int64(clamping: record.firstOffset), record.messages, record.bytes,
            record.lastTimestamp, number,
        ])
    }
}

extension HistoryRooms.Record {
    fileprivate mutating func add(_ message: Message) {
        if messages == 0 { firstOffset = message.offset }
        storedEnd = message.offset + 1
        messages += 1
        bytes += Int64(message.storedBytes)
    }
}

extension Message {
    /// The bytes it counts for against retention.
    var storedBytes: Int { payload.bytes.count + event.utf8.count }
}

extension String {
    /// As it is bound: a text would end at a NUL, so one that has any goes as its bytes, and comes back from them.
    var storable: any DatabaseValueConvertible { utf8.contains(0) ? Data(utf8) : self }
}

extension Payload.Kind {
    /// As it stands in the file.
    var number: Int64 {
        switch self {
        case .json: 0
        case .text: 1
        case .binary: 2
        }
    }

    init(number: Int64) {
        self =
            switch number {
            case 0: .json
            case 1: .text
            default: .binary
            }
    }
}
