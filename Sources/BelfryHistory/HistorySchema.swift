// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import Foundation
import GRDB

/// The tables of a history file, and what a file has to be before it is used.
enum HistorySchema {
    /// `application_id` of our files: "Bfry".
    static let applicationID: Int64 = 0x4266_7279
    /// `user_version`; raised by a change that older programs can't live with.
    static let version: Int64 = 1

    /// Makes the tables in an empty file, or sees that the file is one of ours.
    ///
    /// - Throws: `HistoryFault` for a file of another program or of a newer version; `DatabaseError`.
    static func prepare(_ db: Database) throws {
        let isEmpty = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0
        if isEmpty { try create(db) } else { try check(db) }
    }

    /// Sees that a file that is not empty is one of ours.
    static func check(_ db: Database) throws {
        let application = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let found = try Int64.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard application == applicationID else { throw HistoryFault.foreign }
        guard found <= version else { throw HistoryFault.newer(found) }
    }

    private static func create(_ db: Database) throws {
        try db.execute(
            sql: """
                PRAGMA application_id = \(applicationID);
                PRAGMA user_version = \(version);
                CREATE TABLE state (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
                CREATE TABLE room (
                    id INTEGER PRIMARY KEY,
                    name TEXT NOT NULL UNIQUE,
                    epoch INTEGER NOT NULL,
                    next_offset INTEGER NOT NULL,
                    first_offset INTEGER NOT NULL,
                    messages INTEGER NOT NULL,
                    bytes INTEGER NOT NULL,
                    last_time INTEGER NOT NULL);
                CREATE TABLE epoch (
                    room INTEGER NOT NULL,
                    epoch INTEGER NOT NULL,
                    end_offset INTEGER NOT NULL,
                    PRIMARY KEY (room, epoch)) WITHOUT ROWID;
                CREATE TABLE message (
                    id INTEGER PRIMARY KEY,
                    room INTEGER NOT NULL,
                    offset INTEGER NOT NULL,
                    time INTEGER NOT NULL,
                    sender INTEGER,
                    kind INTEGER NOT NULL,
                    event TEXT NOT NULL,
                    payload BLOB NOT NULL);
                CREATE UNIQUE INDEX message_place ON message (room, offset);
                CREATE VIEW message_text AS SELECT
                    id,
                    'r' || room AS room,
                    CASE kind WHEN 2 THEN event ELSE event || ' ' || CAST(payload AS TEXT) END AS text
                    FROM message;
                CREATE VIRTUAL TABLE message_search USING fts5 (
                    room, text, content = 'message_text', content_rowid = 'id',
                    tokenize = 'unicode61 remove_diacritics 2');
                """
        )
    }

    /// A number of the table `state`.
    static func state(_ key: String, _ db: Database) throws -> Int64? {
        try Int64.fetchOne(db.cachedStatement(sql: "SELECT value FROM state WHERE key = ?"), arguments: [key])
    }

    static func setState(_ key: String, _ value: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO state (key, value) VALUES (?, ?)")
            .execute(arguments: [key, value])
    }

    /// After a crash nobody knows which positions were given out behind what is stored: each room goes on in a new epoch,
    /// and positions of the old one are good up to its end.
    static func beginEpochs(_ db: Database) throws {
        try db.execute(
            sql: """
                INSERT OR REPLACE INTO epoch SELECT id, epoch, next_offset FROM room WHERE next_offset > 0;
                DELETE FROM epoch WHERE end_offset <= (SELECT first_offset FROM room WHERE id = epoch.room);
                UPDATE room SET epoch = coalesce(nullif(random(), 0), 1) WHERE next_offset > 0;
                """
        )
    }

    /// All rooms.
    static func load(_ db: Database) throws -> HistoryRooms {
        var rooms = HistoryRooms()
        var epochs: [Int64: [(UInt64, UInt64)]] = [:]
        let past = try Row.fetchCursor(db, sql: "SELECT room, epoch, end_offset FROM epoch ORDER BY room, end_offset")
        while let row = try past.next() {
            let (room, epoch) = (try row.number(0), UInt64(bitPattern: try row.number(1)))
            epochs[room, default: []].append((epoch, unsigned(try row.number(2))))
        }
        let all = try Row.fetchCursor(
            db,
            sql: "SELECT id, name, epoch, next_offset, first_offset, messages, bytes, last_time FROM room"
        )
        while let row = try all.next() {
            let id = try row.number(0)
            let name = try row.text(1)
            var record = HistoryRooms.Record(name: name, epoch: UInt64(bitPattern: try row.number(2)))
            record.nextOffset = unsigned(try row.number(3))
            record.storedEnd = record.nextOffset
            record.firstOffset = unsigned(try row.number(4))
            record.messages = try row.number(5)
            record.bytes = try row.number(6)
            record.lastTimestamp = try row.number(7)
            record.isStored = true
            record.pastEpochs = (epochs[id] ?? []).suffix(16).map { .init(epoch: $0.0, endOffset: $0.1) }
            rooms.load(id, record)
        }
        return rooms
    }

    /// A number from the file, where a negative one is damage.
    static func unsigned(_ value: Int64) -> UInt64 { UInt64(max(0, value)) }
}

extension Row {
    /// A text that the file promises, or its bytes, where it has a NUL; a damaged file may break its word.
    func text(_ index: Int) throws -> String {
        if case .blob(let bytes) = (self[index] as DatabaseValue).storage {
            return String(decoding: bytes, as: UTF8.self)
        }
        return try decode(String.self, atIndex: index)
    }

    /// The same for a number.
    func number(_ index: Int) throws -> Int64 { try decode(Int64.self, atIndex: index) }
}
