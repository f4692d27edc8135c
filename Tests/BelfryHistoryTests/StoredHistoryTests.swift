// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHistory
import BelfryIO
import Foundation
import GRDB
import Logging
import Testing

@Suite("History in a file", .timeLimit(.minutes(3)))
struct StoredHistoryTests {
    static let numbers = (0..<1_000).map(String.init)

    @Test("a stored message is in the file when publish returns", arguments: [IOChoice.epoll, .uring])
    func stored(_ io: IOChoice) async throws {
        let file = try HistoryFile()
        try await file.withBroker(io) { broker in
            let room = try await broker.room("weather")
            for text in ["sun", "rain"] {
                try await room.publish(event: "now", .text(text), durability: .stored)
                let found = try await file.database().read { db in
                    try String.fetchOne(
                        db,
                        sql: "SELECT event || ' ' || CAST(payload AS TEXT) FROM message ORDER BY id DESC LIMIT 1"
                    )
                }
                #expect(found == "now \(text)")
            }
        }
    }

    @Test("a room goes on after a restart where it was: epoch, offsets, history", arguments: [IOChoice.epoll, .uring])
    func restart(_ io: IOChoice) async throws {
        let file = try HistoryFile()
        let before = try await file.withBroker(io, loops: 2) { broker in
            try await broker.room("weather").store(Self.numbers)
        }
        try await file.withBroker(io, loops: 2) { broker in
            let room = try await broker.room("weather")
            #expect(room.epoch == before.epoch)
            #expect(await room.position == before)
            #expect(try await room.page(limit: 2).texts == ["998", "999"])
            let next = try await room.publish(.text("new"))
            #expect(next == RoomPosition(epoch: before.epoch, offset: 1_000))
            let (recovered, messages) = await room.resume(after: RoomPosition(epoch: before.epoch, offset: 500))
            #expect(recovered)
            var iterator = messages.makeAsyncIterator()
            for offset in UInt64(501)...1_000 { #expect(try await iterator.next()?.message?.offset == offset) }
        }
    }

    @Test("what was not waited for is stored all the same when the broker stops")
    func drain() async throws {
        let file = try HistoryFile()
        try await file.withBroker(store: { $0.gatherTime = .seconds(60) }) { broker in
            let room = try await broker.room("weather")
            for text in Self.numbers { try await room.publish(.text(text)) }
        }
        try await file.withBroker { broker in
            let texts = try await broker.room("weather").page(limit: 10_000).texts
            #expect(texts == Self.numbers)
        }
    }

    @Test("after a crash a position that was stored resumes, one that was not does not")
    func crash() async throws {
        let file = try HistoryFile()
        var copy: HistoryFile?
        let (last, epoch) = try await file.withBroker(store: { $0.gatherTime = .seconds(60) }) { broker in
            let room = try await broker.room("weather")
            let last = try await room.store(["0", "1", "2"])
            // Given out, but in no commit when the machine stops.
            try await room.publish(.text("lost"))
            copy = try file.crashed()
            return (last, room.epoch)
        }
        try await #require(copy).withBroker { broker in
            let room = try await broker.room("weather")
            #expect(room.epoch != epoch)
            #expect(try await room.publish(.text("3")).offset == last.offset + 1)
            #expect(try await room.page().texts == ["0", "1", "2", "3"])
            #expect(await room.resume(after: last).recovered)
            #expect(await room.resume(after: RoomPosition(epoch: epoch, offset: 0)).recovered)
            let unknown = await room.resume(after: RoomPosition(epoch: epoch, offset: last.offset + 1))
            #expect(!unknown.recovered)
            var iterator = unknown.messages.makeAsyncIterator()
            #expect(try await iterator.next()?.message?.payload.text == "0")
        }
    }

    @Test("without a store a publisher that wants one is refused, and nothing is published")
    func noStore() async throws {
        let broker = try Broker(configuration: .init(io: .epoll, loops: 1), logger: .init(label: "none"))
        let room = try await broker.room("weather")
        await #expect(throws: BelfryError.self) { try await room.publish(.text("x"), durability: .stored) }
        #expect(await room.position == nil)
        await broker.shutDown()
    }

    @Test("a reader from the oldest on gets everything, far beyond its limit, and then what is new")
    func oldest() async throws {
        let file = try HistoryFile()
        try await file.withBroker { broker in
            let room = try await broker.room("weather")
            try await room.store(Self.numbers)
            var iterator = room.messages(from: .oldest, limit: 8).makeAsyncIterator()
            for text in Self.numbers { #expect(try await iterator.next()?.message?.payload.text == text) }
            try await room.publish(.text("new"))
            #expect(try await iterator.next()?.message?.payload.text == "new")
        }
    }

    @Test("messages of all kinds come back as they were")
    func kinds() async throws {
        let file = try HistoryFile()
        let payloads: [Payload] = [.json(#"{"a":"ü"}"#), .text(""), .binary([0, 255, 10]), .text("世界"), .text("a\0b")]
        try await file.withBroker { broker in
            let room = try await broker.room("räume/1\0x")
            for payload in payloads { try await room.publish(event: "é\0", payload, durability: .stored) }
        }
        try await file.withBroker { broker in
            let messages = try await broker.room("räume/1\0x").page().messages
            #expect(messages.map(\.payload) == payloads)
            #expect(messages.map(\.offset) == [0, 1, 2, 3, 4])
            #expect(messages.allSatisfy { $0.room == "räume/1\0x" && $0.event == "é\0" && $0.sender == .server })
            #expect(messages.map(\.timestamp) == messages.map(\.timestamp).sorted())
        }
    }
}
