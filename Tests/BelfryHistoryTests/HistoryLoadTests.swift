// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import GRDB
import Logging
import Testing

@testable import BelfryHistory

@Suite("A file under load", .timeLimit(.minutes(3)))
struct HistoryLoadTests {
    @Test("a commit waits for the disk if it is to, and leaves the log's way into the file to another connection")
    func synchronization() throws {
        for (synchronization, expected) in [(SQLiteHistory.Synchronization.full, 2), (.normal, 1)] {
            let file = try HistoryFile()
            var configuration = SQLiteHistory.Configuration()
            configuration.synchronization = synchronization
            let files = HistoryFiles(file.path, configuration)
            let rooms = try files.open(owner: 1)
            defer { files.close(owner: 1, rooms: rooms) }
            let pool = try #require(files.pool)
            let (found, checkpoint, mode) = try pool.writeWithoutTransaction { db in
                (
                    try Int.fetchOne(db, sql: "PRAGMA synchronous"),
                    try Int.fetchOne(db, sql: "PRAGMA wal_autocheckpoint"),
                    try String.fetchOne(db, sql: "PRAGMA journal_mode")
                )
            }
            #expect(found == expected)
            #expect(checkpoint == 0)
            #expect(mode == "wal")
        }
    }

    @Test("a search is answered though there always is something to write")
    func search() async throws {
        let file = try HistoryFile()
        let store = file.store { $0.maxBatch = 1 }
        let room = try #require(store.open("a", standing: nil))
        let feeder = Task {
            var offset: UInt64 = 0
            while !Task.isCancelled {
                if store.status.pending < 200 {
                    let messages = (0..<200).map { StoredMessage(room: room.id, message: .numbered(offset + $0)) }
                    store.append(messages)
                    offset += 200
                }
                await Task.yield()
            }
        }
        try await eventually("something waits") { store.status.pending > 0 }
        let found = try await store.search("word", in: room.id, below: .max, limit: 1)
        #expect(found.count == 1)
        feeder.cancel()
        await feeder.value
        await store.close()
    }

    @Test("messages of many rooms in one hand-over all have their place, and the rooms theirs")
    func rooms() async throws {
        let file = try HistoryFile()
        let store = file.store()
        let rooms = try (0..<50).map { try #require(store.open("r\($0)", standing: nil)) }
        for group in 0..<10 as Range<UInt64> {
            // Some rooms come in rows, some take turns.
            let inRows = rooms.flatMap { room in
                (0..<3).map { StoredMessage(room: room.id, message: .numbered(group * 4 + $0)) }
            }
            let inTurns = rooms.map { StoredMessage(room: $0.id, message: .numbered(group * 4 + 3)) }
            store.append(inRows + inTurns)
        }
        for room in rooms {
            let found = try await store.messages(of: room.id, .oldest, below: .max, limit: 100)
            #expect(found.map(\.offset) == Array(0..<40))
        }
        #expect(store.status.stored == 2_000)
        await store.close()
        let again = file.store()
        for number in 0..<50 { #expect(again.open("r\(number)", standing: nil)?.nextOffset == 40) }
        await again.close()
    }
}

extension Message {
    fileprivate static func numbered(_ offset: UInt64) -> Message {
        Message(
            room: "a",
            event: "said",
            payload: .text("word \(offset)"),
            sender: .server,
            offset: offset,
            timestamp: Int64(clamping: offset)
        )
    }
}
