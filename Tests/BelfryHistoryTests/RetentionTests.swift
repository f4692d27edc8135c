// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHistory
import Foundation
import GRDB
import Testing

@Suite("Retention", .timeLimit(.minutes(3)))
struct RetentionTests {
    @Test("by count: the newest stay, a reader is told what is gone")
    func count() async throws {
        let file = try HistoryFile()
        try await file.withBroker(store: { $0.retention.messages = 300 }) { broker in
            let room = try await broker.room("a")
            try await room.store((0..<1_000).map(String.init))
            #expect(try await room.page(.oldest, limit: 1).messages.map(\.offset) == [700])
            let rows = try await file.database().read { try Int.fetchOne($0, sql: "SELECT count(*) FROM message") }
            #expect(rows == 300)
            let (recovered, messages) = await room.resume(after: RoomPosition(epoch: room.epoch, offset: 10))
            #expect(!recovered)
            var iterator = messages.makeAsyncIterator()
            #expect(try await iterator.next() == .gap(from: 11, to: 700))
            #expect(try await iterator.next()?.message?.offset == 700)
            #expect(try await room.search("said 800").map(\.offset) == [800])
            #expect(try await room.search("said 8").isEmpty)
        }
    }

    @Test("by bytes of payloads and events")
    func bytes() async throws {
        let file = try HistoryFile()
        try await file.withBroker(store: { $0.retention.bytes = 1_000 }) { broker in
            let room = try await broker.room("a")
            try await room.store(Array(repeating: String(repeating: "x", count: 96), count: 300))
            let rows = try await file.database().read { try Int.fetchOne($0, sql: "SELECT count(*) FROM message") }
            #expect(rows == 10)
        }
    }

    @Test("by age, also after a restart, and words of what is gone are not found")
    func age() async throws {
        let file = try HistoryFile()
        try await file.withBroker { broker in
            let room = try await broker.room("a")
            try await room.store(["old words", "older"])
            #expect(try await room.search("words").count == 1)
        }
        try await file.withBroker(store: { $0.retention.age = .milliseconds(1) }) { broker in
            let room = try await broker.room("a")
            #expect(try await room.page().messages.isEmpty)
            try await eventually("the rows go") {
                try await file.database().read { try Int.fetchOne($0, sql: "SELECT count(*) FROM message") } == 0
            }
            #expect(try await room.publish(.text("new"), durability: .stored).offset == 2)
            let check = try await file.database().read {
                try String.fetchOne($0, sql: "PRAGMA integrity_check")
            }
            #expect(check == "ok")
        }
        try await file.database().write {
            try $0.execute(sql: "INSERT INTO message_search (message_search) VALUES ('integrity-check')")
        }
    }
}
