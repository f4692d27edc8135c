// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import GRDB
import Logging

/// Stores what the queue has, batch by batch, and looks after the index and what has outlived its time.
///
/// Runs on a thread of its own, and blocks it while SQLite works: a commit that changed threads on its way would wait for
/// each of them, which on a busy machine takes longer than the disk.
struct HistoryWriter: Sendable {
    private let queue: HistoryQueue
    private let files: HistoryFiles
    private let configuration: SQLiteHistory.Configuration
    private let logger: Logger
    /// Its thread; nil if none could be had, then it works where everybody does.
    private let loop: EventLoop?
    private let owner = Int64.random(in: 1...Int64.max)

    /// Messages that the index takes in one transaction: what comes meanwhile waits for so long.
    private static let indexChunk = 500

    init(
        _ queue: HistoryQueue,
        _ files: HistoryFiles,
        _ configuration: SQLiteHistory.Configuration,
        _ logger: Logger
    ) {
        loop = try? EventLoop(backend: .epoll, logger: logger)
        self.queue = queue
        self.files = files
        self.configuration = configuration
        self.logger = logger
    }

    /// Opens the file; blocks for as long as that takes.
    func open() {
        do {
            queue.opened(try files.open(owner: owner))
            noteRecovery()
        } catch {
            degrade(nil, HistoryFault(error))
        }
    }

    /// Starts it; ends when the queue is closed.
    func start() -> Task<Void, Never> {
        Task.detached(executorPreference: loop) {
            await run()
            loop?.stop()
        }
    }

    private func run() async {
        var pause = Duration.milliseconds(250)
        var gathers = true
        var nextExpiry = ContinuousClock.now
        var isIndexed = false
        while true {
            guard let pool = files.pool else {
                // Not opened yet.
                if queue.isClosing { return queue.giveUp() }
                await sleep(pause)
                pause = min(pause * 2, .seconds(1))
                open()
                continue
            }
            do {
                switch queue.next(gathers: gathers) {
                case .write(let batch):
                    gathers = true
                    isIndexed = false
                    guard await write(batch, pool, pause) else {
                        if queue.isClosing { return finish() }
                        pause = min(pause * 2, .seconds(1))
                        continue
                    }
                    pause = .milliseconds(250)
                    // Who searches is not kept waiting until there is nothing to write.
                    if queue.wantsIndex { isIndexed = try index(pool) }
                case .gather:
                    await sleep(configuration.gatherTime)
                    gathers = false
                case .index: isIndexed = try index(pool)
                case .finish: return finish()
                case .idle:
                    if ContinuousClock.now >= nextExpiry {
                        nextExpiry = try expire(pool) ? .now : .now + .seconds(1)
                    }
                    // With time on its hands it brings the index up to date.
                    if isIndexed {
                        await sleep(.seconds(1))
                    } else if await sleep(.milliseconds(50)) {
                        isIndexed = try index(pool)
                    }
                }
            } catch {
                degrade(nil, HistoryFault(error))
                if queue.isClosing { return finish() }
                await sleep(pause)
                pause = min(pause * 2, .seconds(1))
            }
        }
    }

    private func finish() {
        queue.giveUp()
        files.close(owner: owner, rooms: queue.rooms)
    }

    /// Waits until there is something to do, or so long.
    ///
    /// - Returns: Whether the time has passed without anything to do.
    @discardableResult
    private func sleep(_ time: Duration) async -> Bool {
        let wake = queue.wake
        let passed = Lock(false)
        if let loop, loop.isCurrent {
            let timer = loop.schedule(after: time, stopped: { wake.unpark(()) }) {
                passed.withLock { $0 = true }
                wake.unpark(())
            }
            _ = await wake.park()
            loop.cancel(timer)
            return passed.withLock { $0 }
        }
        let timer = Task {
            try? await Task.sleep(for: time)
            guard !Task.isCancelled else { return }
            passed.withLock { $0 = true }
            wake.unpark(())
        }
        _ = await wake.park()
        timer.cancel()
        return passed.withLock { $0 }
    }

    // MARK: Work

    private func write(_ batch: HistoryBatch, _ pool: DatabasePool, _ pause: Duration) async -> Bool {
        do {
            queue.stored(batch, try commit(batch, pool))
            noteRecovery()
            files.committed(pages: batch.pages)
            return true
        } catch {
            degrade(batch, HistoryFault(error))
            await sleep(pause)
            return false
        }
    }

    private func commit(_ batch: HistoryBatch, _ pool: DatabasePool) throws -> [Int64: HistoryRooms.Record] {
        try pool.write { db in
            guard try HistorySchema.state("owner", db) == owner else { throw HistoryFault.takenOver }
            return try batch.write(db)
        }
    }

    /// Indexes some messages.
    ///
    /// - Returns: Whether the index has all there are.
    private func index(_ pool: DatabasePool) throws -> Bool {
        let (row, newest) = try pool.write { db -> (Int64, Int64) in
            let indexed = try HistorySchema.state("indexed", db) ?? 0
            let newest = try Int64.fetchOne(db.cachedStatement(sql: "SELECT max(id) FROM message")) ?? 0
            let last = try Int64.fetchOne(
                db.cachedStatement(
                    sql:
                        "SELECT max(id) FROM (SELECT id FROM message WHERE id > ? ORDER BY id LIMIT \(Self.indexChunk))"
                ),
                arguments: [indexed]
            )
            guard let last else { return (max(indexed, newest), newest) }
            try db.cachedStatement(
                sql: """
                    INSERT INTO message_search (rowid, room, text)
                    SELECT id, room, text FROM message_text WHERE id > ? AND id <= ?
                    """
            ).execute(arguments: [indexed, last])
            try HistorySchema.setState("indexed", last, db)
            return (last, newest)
        }
        queue.indexed(row, newest: newest)
        files.committed(pages: 50)
        return row >= newest
    }

    /// Takes out some messages that are too old.
    ///
    /// - Returns: Whether there may be more.
    private func expire(_ pool: DatabasePool) throws -> Bool {
        guard let oldest = configuration.retention.oldest else { return false }
        let known = queue.rooms
        let changed = try pool.write { db in
            var changed: [Int64: HistoryRooms.Record] = [:]
            for (number, change) in try HistoryRetention.expire(before: oldest, db) {
                guard var record = known[.init(number)] else { continue }
                record.messages -= change.messages
                record.bytes -= change.bytes
                record.firstOffset = change.first ?? record.storedEnd
                try HistoryBatch.update(record, number, db)
                changed[number] = record
            }
            return changed
        }
        queue.update(changed)
        files.committed(pages: 50)
        return !changed.isEmpty
    }

    // MARK: State

    private func degrade(_ batch: HistoryBatch?, _ fault: HistoryFault) {
        let reason = "\(fault)"
        if queue.status.degradation != reason {
            logger.error("The history is degraded: messages are not stored.", metadata: ["reason": "\(reason)"])
        }
        queue.failed(batch, reason)
    }

    private func noteRecovery() {
        guard queue.recovered() else { return }
        let status = queue.status
        logger.notice(
            "The history is well again.",
            metadata: ["pending": "\(status.pending)", "lost": "\(status.lost)"]
        )
    }
}
