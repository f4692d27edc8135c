// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import GRDB

/// Pairs of clients and what they said, in the original ChatBox50's SQLite file.
///
/// Tables, column types and texts are the original's, so that either program goes on with the other's file; there are no
/// indexes, and the journal stays a rollback journal, which the original expects. One serial queue of its own does all
/// work; nothing here blocks a caller's thread after `init`.
package final class PairDatabase: Sendable {
    private let queue: DatabaseQueue

    /// Opens a file, made if absent, with both tables, made if absent.
    ///
    /// Blocks meanwhile.
    ///
    /// - Parameter path: The file; nil keeps everything in memory.
    package init(path: String?) throws(PairDatabaseError) {
        var configuration = Configuration()
        configuration.label = "belfry.pairs"
        configuration.foreignKeysEnabled = true
        // Another process may have the file open as well.
        configuration.busyMode = .timeout(5)
        do {
            queue =
                if let path {
                    try DatabaseQueue(path: path, configuration: configuration)
                } else {
                    try DatabaseQueue(configuration: configuration)
                }
            try queue.write { db in for table in Self.tables { try db.execute(sql: table) } }
        } catch {
            throw PairDatabaseError(error)
        }
    }

    private static let tables = [
        """
        CREATE TABLE IF NOT EXISTS client (
            id          INTEGER PRIMARY KEY AUTOINCREMENT,
            created_at  TEXT DEFAULT CURRENT_TIMESTAMP,
            uid         VARCHAR(127) NOT NULL,
            service1_id VARCHAR(127) NOT NULL,
            service2_id VARCHAR(127) NOT NULL,
            properties  BLOB NOT NULL)
        """,
        """
        CREATE TABLE IF NOT EXISTS history (
            id         INTEGER PRIMARY KEY AUTOINCREMENT,
            created_at TEXT,
            client_id  INTEGER NOT NULL,
            content    TEXT NOT NULL,
            sent_by    INTEGER NOT NULL,
            FOREIGN KEY (client_id) REFERENCES client(id))
        """,
    ]

    /// Closes the file behind what was asked for before; later requests fail.
    package func close() async {
        await withCheckedContinuation { continuation in
            // Waits for the queue, so neither on it nor on a thread that tasks need.
            DispatchQueue.global().async { [queue] in
                // It fails only while statements are open, and there are none between requests.
                try? queue.close()
                continuation.resume()
            }
        }
    }

    // MARK: Pairs

    /// The pair with an id, by exact equality of the text; of several, the one that was made first.
    package func pair(_ side: PairSide, _ id: String) async throws(PairDatabaseError) -> PairRow? {
        try await perform { db in
            try Row.fetchOne(
                db,
                sql: """
                    SELECT id, CAST(uid AS BLOB), CAST(service1_id AS BLOB), CAST(service2_id AS BLOB), properties
                    FROM client WHERE \(side.column) = CAST(? AS TEXT) ORDER BY id LIMIT 1
                    """,
                arguments: [id.bindable]
            ).map(PairRow.init)
        }.get()
    }

    /// Adds a pair, and returns when that is committed, also in a cancelled task.
    ///
    /// - Throws: ``PairDatabaseError/idInUse(_:)`` when one of the ids is in a pair already; nothing is stored then.
    package func insert(
        uid: String,
        service1: String,
        service2: String,
        properties: [UInt8]
    ) async throws(PairDatabaseError) -> PairRow {
        try await perform { db in
            var id: Int64 = 0
            try db.inTransaction(.immediate) {
                for (side, text) in [(PairSide.service1, service1), (.service2, service2)] {
                    let sql = "SELECT 1 FROM client WHERE \(side.column) = CAST(? AS TEXT) LIMIT 1"
                    guard try Row.fetchOne(db, sql: sql, arguments: [text.bindable]) == nil else {
                        throw PairDatabaseError.idInUse(side)
                    }
                }
                try db.execute(
                    sql: """
                        INSERT INTO client (uid, service1_id, service2_id, properties)
                        VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT), ?)
                        """,
                    arguments: [uid, service1.bindable, service2.bindable, Data(properties)]
                )
                id = db.lastInsertedRowID
                return .commit
            }
            return PairRow(id: id, uid: uid, service1: service1, service2: service2, properties: properties)
        }.get()
    }

    /// Replaces the properties of a pair.
    package func setProperties(_ properties: [UInt8], of pair: Int64) async throws(PairDatabaseError) {
        try await perform { db in
            try db.execute(
                sql: "UPDATE client SET properties = ? WHERE id = ?",
                arguments: [Data(properties), pair]
            )
        }.get()
    }

    // MARK: Messages

    /// Adds messages in this order, and returns when they are committed; one transaction, unless it fails.
    ///
    /// - Returns: For each the row's id, or why it could not be stored: then each was tried by itself.
    package func append(_ messages: [NewPairMessage]) async -> [Result<Int64, PairDatabaseError>] {
        let all = await perform { db in
            var ids: [Int64] = []
            try db.inTransaction(.immediate) {
                ids = try messages.map { try Self.insert($0, db) }
                return .commit
            }
            return ids
        }
        switch all {
        case .success(let ids): return ids.map { .success($0) }
        case .failure(let error) where messages.count < 2: return messages.map { _ in .failure(error) }
        case .failure:
            var results: [Result<Int64, PairDatabaseError>] = []
            for message in messages { results += await append([message]) }
            return results
        }
    }

    private static func insert(_ message: NewPairMessage, _ db: Database) throws -> Int64 {
        try db.execute(
            sql: "INSERT INTO history (created_at, client_id, content, sent_by) VALUES (?, ?, CAST(? AS TEXT), ?)",
            arguments: [message.createdAt, message.pair, message.content.bindable, message.sentBy]
        )
        return db.lastInsertedRowID
    }

    /// The newest messages of a pair, oldest first; rows of neither side are left out.
    ///
    /// - Parameters:
    ///   - pair: The pair's row.
    ///   - before: Only rows with lower ids; nil for all.
    ///   - limit: How many at most; less than 1 gives none.
    package func history(
        of pair: Int64,
        before: Int64? = nil,
        limit: Int
    ) async throws(PairDatabaseError) -> [PairMessageRow] {
        guard limit > 0 else { return [] }
        return try await perform { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT id, CAST(created_at AS TEXT), CAST(content AS BLOB), CAST(sent_by AS INTEGER)
                    FROM history WHERE client_id = ? AND id < ? AND sent_by IN (0, 1) ORDER BY id DESC LIMIT ?
                    """,
                arguments: [pair, before ?? .max, limit]
            )
            return rows.reversed().map(PairMessageRow.init)
        }.get()
    }

    /// How many messages a pair has.
    package func count(of pair: Int64) async throws(PairDatabaseError) -> Int {
        try await perform { db in
            try Int.fetchOne(db, sql: "SELECT count(*) FROM history WHERE client_id = ?", arguments: [pair]) ?? 0
        }.get()
    }

    /// How many messages at the end of a pair's history are all of one side, counted up to `limit`.
    package func trailing(of pair: Int64, sentBy: Int64, upTo limit: Int) async throws(PairDatabaseError) -> Int {
        try await perform { db in
            let rows = try Int64.fetchCursor(
                db,
                sql: "SELECT CAST(sent_by AS INTEGER) FROM history WHERE client_id = ? ORDER BY id DESC LIMIT ?",
                arguments: [pair, limit]
            )
            var count = 0
            while let side = try rows.next(), side == sentBy { count += 1 }
            return count
        }.get()
    }

    // MARK: Queue

    /// Does work on the queue and waits for it, also in a cancelled task: what is half done helps nobody.
    private func perform<Output: Sendable>(
        _ work: @escaping @Sendable (Database) throws -> Output
    ) async -> Result<Output, PairDatabaseError> {
        await withCheckedContinuation { continuation in
            queue.asyncWriteWithoutTransaction { db in
                continuation.resume(returning: Result { try work(db) }.mapError(PairDatabaseError.init))
            }
        }
    }
}

extension String {
    /// The text for `CAST(? AS TEXT)`: bound as text it would end at U+0000.
    fileprivate var bindable: any DatabaseValueConvertible {
        utf8.contains(0) ? Data(utf8) : self
    }
}

extension PairRow {
    fileprivate init(_ row: Row) {
        id = row[0]
        uid = Row.text(row, 1)
        service1 = Row.text(row, 2)
        service2 = Row.text(row, 3)
        properties = Array((row[4] as Data?) ?? Data())
    }
}

extension PairMessageRow {
    fileprivate init(_ row: Row) {
        id = row[0]
        createdAt = row[1]
        content = Row.text(row, 2)
        sentBy = row[3]
    }
}

extension Row {
    fileprivate static func text(_ row: Row, _ index: Int) -> String {
        String(decoding: (row[index] as Data?) ?? Data(), as: UTF8.self)
    }
}
