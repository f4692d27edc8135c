// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import Foundation
import GRDB

/// Reads messages of one room.
struct HistoryQueries: Sendable {
    let room: StoredRoom.ID
    let name: String
    /// Only messages with lower offsets.
    let end: UInt64
    /// Only messages that are at least as young.
    let oldest: Int64

    private static let columns = "SELECT offset, time, sender, kind, event, payload FROM message"

    /// Those next to a cursor, in ascending order.
    func page(_ cursor: HistoryCursor, limit: Int, _ db: Database) throws -> [Message] {
        switch cursor {
        case .newest: return try backwards(from: end, limit, db)
        case .before(let offset): return try backwards(from: min(offset, end), limit, db)
        case .oldest: return try forwards(from: 0, limit, db)
        case .after(let offset): return offset == .max ? [] : try forwards(from: offset + 1, limit, db)
        case .since(let time): return try forwards(from: try offset(since: time, db), limit, db)
        case .until(let time): return try backwards(from: min(end, try offset(since: time, db)), limit, db)
        }
    }

    private func forwards(from start: UInt64, _ limit: Int, _ db: Database) throws -> [Message] {
        try messages(
            "\(Self.columns) WHERE room = ? AND offset >= ? AND offset < ? AND time >= ? ORDER BY offset LIMIT ?",
            [room.number, Int64(clamping: start), Int64(clamping: end), oldest, limit],
            db
        )
    }

    private func backwards(from end: UInt64, _ limit: Int, _ db: Database) throws -> [Message] {
        try messages(
            "\(Self.columns) WHERE room = ? AND offset < ? AND time >= ? ORDER BY offset DESC LIMIT ?",
            [room.number, Int64(clamping: end), oldest, limit],
            db
        ).reversed()
    }

    /// The first offset whose message is not older than a time, by halving: a room's times never go back.
    private func offset(since time: Int64, _ db: Database) throws -> UInt64 {
        // One by one: a query for both would go through the whole room.
        guard let first = try bound("min", db), let last = try bound("max", db) else { return 0 }
        var (low, high) = (first, last + 1)
        let next = try db.cachedStatement(
            sql: "SELECT offset, time FROM message WHERE room = ? AND offset >= ? ORDER BY offset LIMIT 1"
        )
        while low < high {
            let middle = low + (high - low) / 2
            guard let row = try Row.fetchOne(next, arguments: [room.number, middle]) else {
                high = middle
                continue
            }
            if try row.number(1) >= time { high = middle } else { low = try row.number(0) + 1 }
        }
        return HistorySchema.unsigned(low)
    }

    private func bound(_ function: String, _ db: Database) throws -> Int64? {
        let row = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT \(function)(offset) FROM message WHERE room = ?"),
            arguments: [room.number]
        )
        return try row?.decode(Int64?.self, atIndex: 0)
    }

    /// The newest that have all words, in ascending order.
    func search(_ text: String, limit: Int, _ db: Database) throws -> [Message] {
        guard let words = Self.expression(text) else { return [] }
        return try messages(
            """
            SELECT m.offset, m.time, m.sender, m.kind, m.event, m.payload
            FROM message_search s JOIN message m ON m.id = s.rowid
            WHERE message_search MATCH ? AND m.room = ? AND m.offset < ? AND m.time >= ?
            ORDER BY s.rowid DESC LIMIT ?
            """,
            ["room : r\(room.number) AND text : (\(words))", room.number, Int64(clamping: end), oldest, limit],
            db
        ).reversed()
    }

    /// The words as an expression of FTS5, where nothing in them means anything else than itself; nil without a word.
    static func expression(_ text: String) -> String? {
        let words = text.split { !$0.isLetter && !$0.isNumber }
        guard !words.isEmpty else { return nil }
        return words.map { "\"\($0)\"" }.joined(separator: " AND ")
    }

    private func messages(_ sql: String, _ arguments: StatementArguments, _ db: Database) throws -> [Message] {
        var found: [Message] = []
        let rows = try Row.fetchCursor(db.cachedStatement(sql: sql), arguments: arguments)
        while let row = try rows.next() {
            let sender = try row.decode(Int64?.self, atIndex: 2)
            let payload = try row.decode(Data.self, atIndex: 5)
            found.append(
                Message(
                    room: name,
                    event: try row.text(4),
                    payload: Payload(.init(number: try row.number(3)), bytes: Array(payload)),
                    sender: sender.map { .session(SessionID(UInt64(bitPattern: $0))) } ?? .server,
                    offset: HistorySchema.unsigned(try row.number(0)),
                    timestamp: try row.number(1)
                )
            )
        }
        return found
    }
}
