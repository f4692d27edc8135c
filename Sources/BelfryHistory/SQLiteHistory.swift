// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
import BelfryIO
import Foundation
import GRDB
public import Logging

/// Keeps the messages of a broker's rooms in a SQLite file.
///
///     var configuration = BrokerConfiguration()
///     configuration.store = SQLiteHistory("/var/lib/belfry/history.db", logger: logger)
///
/// Messages are committed in groups, off the loops: those that somebody waits for (`Durability.stored`) as soon as the
/// commit before them is done, others after `Configuration.gatherTime`. The file is in WAL mode and may be read by other
/// programs meanwhile.
///
/// A file that can't be used, now or later, never stops the broker: live messages go on, `status` says why the history is
/// degraded, and the file is tried again about every second.
public final class SQLiteHistory: HistoryStore {
    let path: String
    /// As it was set up.
    public let configuration: Configuration
    private let queue: HistoryQueue
    private let files: HistoryFiles
    private let writer: Lock<Task<Void, Never>?>

    /// Opens a file, or makes one.
    ///
    /// Reads what rooms there are, which takes about a second for a million. Look at `status` for whether that went well.
    ///
    /// - Parameters:
    ///   - path: The file; beside it SQLite keeps two more, with `-wal` and `-shm` behind the name.
    ///   - configuration: Every default is stated at ``Configuration``.
    ///   - logger: Hears when the history becomes degraded, and when it is well again.
    public init(_ path: String, configuration: Configuration = .init(), logger: Logger) {
        self.path = path
        self.configuration = configuration
        let queue = HistoryQueue(configuration)
        let files = HistoryFiles(path, configuration)
        (self.queue, self.files) = (queue, files)
        let writer = HistoryWriter(queue, files, configuration, logger)
        writer.open()
        self.writer = Lock(writer.start())
    }

    // MARK: HistoryStore

    /// Where the order of a room stands; nil while the file can't be read, and for more than `Configuration.maxRooms`.
    public func open(_ room: String, standing: RoomPosition?) -> StoredRoom? {
        queue.open(room, standing: standing)
    }

    /// Forgets a room in which nothing was published: clients that join names by the thousand take no place for good.
    public func release(_ room: StoredRoom.ID) { queue.release(room) }

    /// Takes messages; what there is no room for is counted as lost.
    public func append(_ messages: [StoredMessage]) { queue.append(messages) }

    /// The offset of the oldest message of a room that is kept.
    public func firstOffset(of room: StoredRoom.ID) -> UInt64 { queue.record(room)?.firstOffset ?? 0 }

    /// Messages next to a cursor; those that wait to be stored are waited for.
    ///
    /// - Throws: `BelfryError` `.storageFailed`.
    public func messages(
        of room: StoredRoom.ID,
        _ cursor: HistoryCursor,
        below end: UInt64,
        limit: Int
    ) async throws(BelfryError) -> [Message] {
        guard limit > 0 else { return [] }
        guard let record = queue.record(room) else { throw Self.unknown }
        // What is asked for may still wait to be stored.
        if record.storedEnd < min(end, record.nextOffset) { await queue.settle() }
        let queries = queries(room, record, below: end)
        return try await read { db in try queries.page(cursor, limit: limit, db) }
    }

    /// The newest messages that have all words; the index is brought up to date first, which after a flood takes a while.
    ///
    /// - Throws: `BelfryError` `.storageFailed`.
    public func search(
        _ text: String,
        in room: StoredRoom.ID,
        below end: UInt64,
        limit: Int
    ) async throws(BelfryError) -> [Message] {
        guard limit > 0 else { return [] }
        guard let record = queue.record(room) else { throw Self.unknown }
        await queue.settle()
        await queue.settleIndex()
        let queries = queries(room, record, below: end)
        return try await read { db in try queries.search(text, limit: limit, db) }
    }

    /// How it does.
    public var status: HistoryStatus { queue.status }

    /// Stores what it was handed and lets go of the file; after some seconds, as it is.
    public func close() async {
        queue.close()
        await writer.withLock { $0 }?.value
    }

    // MARK: Reading

    private static let unknown = BelfryError(.storageFailed, "the history does not know the room")

    private func queries(_ room: StoredRoom.ID, _ record: HistoryRooms.Record, below end: UInt64) -> HistoryQueries {
        HistoryQueries(room: room, name: record.name, end: end, oldest: configuration.retention.oldest ?? .min)
    }

    private func read<Answer: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Answer
    ) async throws(BelfryError) -> Answer {
        do {
            guard let pool = files.pool else { throw HistoryFault.other(queue.status.degradation ?? "it is closed") }
            return try await pool.read(body)
        } catch {
            throw BelfryError(.storageFailed, "the history can't be read: \(HistoryFault(error))")
        }
    }
}

extension SQLiteHistory.Retention {
    /// What is older than this time, in nanoseconds since 1970, is not kept; nil where age does not matter.
    var oldest: Int64? {
        guard let age else { return nil }
        let seconds = age.components.seconds
        let now = Int64(clamping: Int(Date().timeIntervalSince1970 * 1_000_000_000))
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let total = nanoseconds.addingReportingOverflow(age.components.attoseconds / 1_000_000_000)
        return overflow || total.overflow ? nil : now - total.partialValue
    }
}
