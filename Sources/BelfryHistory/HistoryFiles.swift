// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import GRDB

/// The open file.
final class HistoryFiles: Sendable {
    private let path: String
    private let configuration: SQLiteHistory.Configuration
    private let opened = Lock<Opened?>(nil)

    private struct Opened {
        let pool: DatabasePool
        let checkpointer: HistoryCheckpointer
    }

    init(_ path: String, _ configuration: SQLiteHistory.Configuration) {
        self.path = path
        self.configuration = configuration
    }

    var pool: DatabasePool? { opened.withLock { $0?.pool } }

    /// Looks after the log when so many pages, about, were written to it; called by the writer.
    func committed(pages: Int) {
        guard let opened = opened.withLock({ $0 }), opened.checkpointer.committed(pages: pages) else { return }
        _ = try? opened.pool.writeWithoutTransaction { db in try db.checkpoint(.passive) }
    }

    /// Opens the file, makes it ours, and reads the rooms.
    ///
    /// - Parameter owner: Written into the file: who finds another one there has lost it.
    func open(owner: Int64) throws -> HistoryRooms {
        var setup = GRDB.Configuration()
        setup.busyMode = .timeout(configuration.lockTimeout / .seconds(1))
        setup.foreignKeysEnabled = false
        setup.maximumReaderCount = 4
        setup.label = "belfry.history"
        let (limit, synchronization) = (configuration.maxFileBytes, configuration.synchronization.rawValue)
        setup.prepareDatabase { db in
            guard !db.configuration.readonly else { return }
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            if let limit {
                let page = try Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 4_096
                try db.execute(sql: "PRAGMA max_page_count = \(max(1, limit / page))")
            }
        }
        try checkBeforeChanging()
        let pool = try DatabasePool(path: path, configuration: setup)
        // Now and not before: a pool that switches to WAL mode sets it as it likes.
        try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = \(synchronization)") }
        let rooms = try pool.write { db in
            try HistorySchema.prepare(db)
            if try HistorySchema.state("clean", db) == 0 { try HistorySchema.beginEpochs(db) }
            try HistorySchema.setState("clean", 0, db)
            try HistorySchema.setState("owner", owner, db)
            return try HistorySchema.load(db)
        }
        let checkpointer = try HistoryCheckpointer(path: path, configuration: setup)
        opened.withLock { $0 = Opened(pool: pool, checkpointer: checkpointer) }
        return rooms
    }

    /// A file of another program, or of a newer version, is not even switched to WAL mode.
    private func checkBeforeChanging() throws {
        var setup = GRDB.Configuration()
        setup.readonly = true
        setup.busyMode = .timeout(configuration.lockTimeout / .seconds(1))
        let queue: DatabaseQueue
        do {
            queue = try DatabaseQueue(path: path, configuration: setup)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CANTOPEN {
            // Not there yet.
            return
        }
        try queue.read { db in
            let isEmpty = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0
            if !isEmpty { try HistorySchema.check(db) }
        }
        try queue.close()
    }

    /// Lets go of the file; as one that was left in order, if it still is ours.
    func close(owner: Int64, rooms: HistoryRooms) {
        guard let opened = opened.withLock({ $0.take() }) else { return }
        opened.checkpointer.close()
        let pool = opened.pool
        try? pool.write { db in
            guard try HistorySchema.state("owner", db) == owner else { return }
            for (number, record) in rooms.records where record.isStored && record.nextOffset > record.storedEnd {
                var record = record
                record.storedEnd = record.nextOffset
                try HistoryBatch.update(record, number, db)
            }
            try HistorySchema.setState("clean", 1, db)
        }
        _ = try? pool.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
        try? pool.close()
    }
}
