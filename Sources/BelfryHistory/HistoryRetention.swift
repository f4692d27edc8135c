// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import GRDB

/// Takes out what has outlived its room's limits.
struct HistoryRetention {
    private let limits: SQLiteHistory.Retention

    init(_ limits: SQLiteHistory.Retention) { self.limits = limits }

    /// Takes out the oldest messages of one room beyond its count and bytes; at most a few thousand at a time.
    func apply(to record: inout HistoryRooms.Record, _ number: Int64, _ db: Database) throws {
        guard record.messages > limits.messages || record.bytes > limits.bytes, record.messages > 1 else { return }
        var (end, messages, bytes) = (record.firstOffset, record.messages, record.bytes)
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT offset, length(payload) + length(CAST(event AS BLOB)) FROM message
                WHERE room = ? ORDER BY offset LIMIT 4096
                """,
            arguments: [number]
        )
        while messages > limits.messages || bytes > limits.bytes, messages > 1, let row = try rows.next() {
            end = HistorySchema.unsigned(try row.number(0)) + 1
            bytes -= try row.number(1)
            messages -= 1
        }
        try Self.delete("room = \(number) AND offset < \(Int64(clamping: end))", db)
        (record.messages, record.bytes) = (messages, bytes)
        record.firstOffset = try Self.firstOffset(of: number, db) ?? record.storedEnd
    }

    /// Takes out up to a thousand messages, of whatever rooms, that are older than a time.
    ///
    /// Rows are in the order of their time, but for a clock that was set back.
    ///
    /// - Returns: What is left of the rooms concerned; empty when nothing was so old.
    static func expire(before time: Int64, _ db: Database) throws -> [Int64: (
        first: UInt64?, messages: Int64, bytes: Int64
    )] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT id, room, length(payload) + length(CAST(event AS BLOB)), time FROM message ORDER BY id LIMIT 1000
                """
        )
        var changes: [Int64: (first: UInt64?, messages: Int64, bytes: Int64)] = [:]
        var last: Int64?
        for row in rows {
            guard try row.number(3) <= time else { break }
            last = try row.number(0)
            let room = try row.number(1)
            changes[room, default: (nil, 0, 0)].messages += 1
            changes[room, default: (nil, 0, 0)].bytes += try row.number(2)
        }
        guard let last else { return [:] }
        try delete("id <= \(last)", db)
        for room in changes.keys { changes[room]?.first = try firstOffset(of: room, db) }
        return changes
    }

    private static func delete(_ condition: String, _ db: Database) throws {
        let indexed = try HistorySchema.state("indexed", db) ?? 0
        try db.execute(
            sql: """
                INSERT INTO message_search (message_search, rowid, room, text)
                SELECT 'delete', id, room, text FROM message_text
                WHERE id IN (SELECT id FROM message WHERE \(condition) AND id <= \(indexed));
                DELETE FROM message WHERE \(condition);
                """
        )
    }

    private static func firstOffset(of room: Int64, _ db: Database) throws -> UInt64? {
        try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT offset FROM message WHERE room = ? ORDER BY offset LIMIT 1"),
            arguments: [room]
        ).map(HistorySchema.unsigned)
    }
}
