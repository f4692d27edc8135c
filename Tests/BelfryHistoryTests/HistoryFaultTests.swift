// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHistory
import BelfryIO
import Foundation
import GRDB
import Testing

@Suite("A file that fails", .timeLimit(.minutes(3)))
struct HistoryFaultTests {
    /// Live messages go on whatever the file does.
    private func expectLive(_ broker: Broker) async throws {
        let room = try await broker.room("live")
        let hasHeard = Lock(false)
        let reader = Task {
            for try await _ in room.messages(from: .latest) { return hasHeard.withLock { $0 = true } }
        }
        // Nobody tells when a reader has begun to listen, so messages go on until it has one.
        try await eventually("the reader hears") {
            try await room.publish(.text("x"))
            return hasHeard.withLock { $0 }
        }
        try await reader.value
        let error = await #expect(throws: BelfryError.self) {
            try await room.publish(.text("y"), durability: .stored)
        }
        #expect(error?.code == .storageFailed)
    }

    private func expectDegraded(
        _ file: HistoryFile,
        _ reason: String,
        _ configure: (inout SQLiteHistory.Configuration) -> Void = { _ in }
    ) async throws {
        let before = try? Data(contentsOf: URL(filePath: file.path))
        try await file.withBroker(store: configure) { broker in
            let degradation = try #require(broker.configuration.store?.status.degradation)
            #expect(degradation.contains(reason), "\(degradation)")
            try await expectLive(broker)
        }
        let after = try? Data(contentsOf: URL(filePath: file.path))
        #expect(after == before)
    }

    @Test("of a newer version: is left alone")
    func newer() async throws {
        let file = try HistoryFile()
        try await file.withBroker { _ = try await $0.room("a").store(["x"]) }
        try await file.database().write { try $0.execute(sql: "PRAGMA user_version = 99") }
        try await expectDegraded(file, "newer than this program's")
    }

    @Test("of another program: is left alone")
    func foreign() async throws {
        let file = try HistoryFile()
        try await file.database().write { try $0.execute(sql: "CREATE TABLE mine (x)") }
        try await expectDegraded(file, "another program")
    }

    @Test("that is no database: is left alone")
    func noDatabase() async throws {
        let file = try HistoryFile()
        try Data(repeating: 65, count: 10_000).write(to: URL(filePath: file.path))
        try await expectDegraded(file, "no SQLite database")
    }

    @Test("that can't be opened")
    func unopenable() async throws {
        let file = try HistoryFile()
        try FileManager.default.removeItem(at: file.directory)
        try await expectDegraded(file, "can't be opened")
    }

    @Test("that is damaged in the middle: what was read still is, and nothing hangs")
    func damaged() async throws {
        let file = try HistoryFile()
        try await file.withBroker { broker in
            _ = try await broker.room("a").store((0..<2_000).map { "\($0) " + String(repeating: "x", count: 100) })
        }
        let handle = try FileHandle(forUpdating: URL(filePath: file.path))
        let size = try handle.seekToEnd()
        for offset in stride(from: UInt64(4_096 * 14), to: size, by: 4_096) {
            try handle.seek(toOffset: offset)
            try handle.write(contentsOf: Data(repeating: 0xFF, count: 4_096))
        }
        try handle.close()
        try await file.withBroker { broker in
            let room = try await broker.room("a")
            let error = await #expect(throws: BelfryError.self) {
                _ = try await room.page(.oldest, limit: 10_000)
            }
            #expect(error?.code == .storageFailed)
            #expect(error?.message.contains("damaged") == true)
            await #expect(throws: BelfryError.self) { try await room.publish(.text("y"), durability: .stored) }
            try await expectLive(broker)
        }
    }

    @Test("that is locked by another process: stored when the lock is gone, in order")
    func locked() async throws {
        let file = try HistoryFile()
        try await file.withBroker(store: { $0.lockTimeout = .milliseconds(10) }) { broker in
            let room = try await broker.room("a")
            try await room.store(["0"])
            let other = try file.database()
            try await other.writeWithoutTransaction { db in
                try db.execute(sql: "BEGIN IMMEDIATE")
            }
            let error = await #expect(throws: BelfryError.self) { try await room.store(["1", "2"]) }
            #expect(error?.message.contains("locked") == true)
            #expect(broker.configuration.store?.status.degradation?.contains("locked") == true)
            #expect(try await room.page().texts == ["0", "1", "2"])
            try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
            try await eventually("it is well again") { broker.configuration.store?.status.degradation == nil }
            try await room.store(["3"])
            let texts = try await other.read {
                try String.fetchAll($0, sql: "SELECT CAST(payload AS TEXT) FROM message ORDER BY offset")
            }
            #expect(texts == ["0", "1", "2", "3"])
        }
    }

    @Test("that is full: nothing is half-written, and messages that can't wait are counted")
    func full() async throws {
        let file = try HistoryFile()
        try await file.withBroker(store: {
            $0.maxFileBytes = 200_000
            $0.maxPendingMessages = 100
        }) { broker in
            let room = try await broker.room("a")
            let text = String(repeating: "x", count: 1_000)
            var error: BelfryError?
            var stored = 0
            while error == nil, stored < 1_000 {
                do {
                    try await room.publish(.text(text), durability: .stored)
                    stored += 1
                } catch let failure as BelfryError {
                    error = failure
                }
            }
            #expect(error?.code == .storageFailed)
            #expect(error?.message.contains("full") == true)
            for _ in 0..<200 { try await room.publish(.text(text)) }
            // Handed over at the end of a turn, which may be a moment later.
            try await eventually("101 are lost") { broker.configuration.store?.status.lost == 101 }
            let status = try #require(broker.configuration.store?.status)
            #expect(status.degradation?.contains("full") == true)
            #expect(status.pending == 100)
            try await expectLive(broker)
            let (rows, check) = try await file.database().read { db in
                (
                    try Int.fetchOne(db, sql: "SELECT count(*) FROM message"),
                    try String.fetchOne(db, sql: "PRAGMA integrity_check")
                )
            }
            #expect(rows == stored)
            #expect(check == "ok")
        }
    }

    @Test("that a second broker takes over: the first does not write into it any more")
    func takenOver() async throws {
        let file = try HistoryFile()
        try await file.withBroker { first in
            let room = try await first.room("a")
            try await room.store(["0"])
            try await file.withBroker { second in
                try await second.room("a").store(["1"])
                let error = await #expect(throws: BelfryError.self) { try await room.store(["2"]) }
                #expect(error?.message.contains("another process") == true)
                #expect(try await second.room("a").page().texts == ["0", "1"])
            }
        }
    }

    @Test("that is mended later: rooms that were open meanwhile are stored from then on")
    func mended() async throws {
        let file = try HistoryFile()
        try Data("no database".utf8).write(to: URL(filePath: file.path))
        let last = try await file.withBroker { broker in
            let room = try await broker.room("a")
            for number in 0..<10 { try await room.publish(.text("\(number)")) }
            await #expect(throws: BelfryError.self) { try await room.publish(.text("x"), durability: .stored) }
            try FileManager.default.removeItem(atPath: file.path)
            var last: RoomPosition?
            try await eventually("it is stored") {
                last = try? await room.publish(.text("stored"), durability: .stored)
                return last != nil
            }
            return try #require(last)
        }
        try await file.withBroker { broker in
            let room = try await broker.room("a")
            #expect(room.epoch == last.epoch)
            let page = try await room.page(limit: 1)
            #expect(page.messages.map(\.offset) == [last.offset])
            #expect(page.texts == ["stored"])
        }
    }

    @Test("rooms in which nothing is said take no place for good")
    func emptyRooms() async throws {
        let file = try HistoryFile()
        try await file.withBroker(store: { $0.maxRooms = 10 }) { broker in
            for number in 0..<100 { _ = try await broker.room("empty \(number)") }
            try await eventually("they have gone") { broker.statistics.rooms == 0 }
            for number in 0..<10 {
                _ = try await broker.room("room \(number)").publish(.text("x"), durability: .stored)
            }
            let room = try await broker.room("one too many")
            let error = await #expect(throws: BelfryError.self) {
                _ = try await room.publish(.text("x"), durability: .stored)
            }
            #expect(error?.code == .storageFailed)
        }
    }
}
