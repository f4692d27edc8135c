// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHistory
import BelfryTesting
import Foundation
import Testing

@testable import BelfryChatBox

@Suite("The file is the original's", .timeLimit(.minutes(1)))
struct FileTests {
    /// What one run of the original leaves: all clients share a uid, and the history is the first one's, doubled.
    private func writeOriginal(_ file: String) async throws {
        let database = try PairDatabase(path: file + ".db")
        let uid = "C1AFC09C2B454FC5AAC9029A6A58E373"
        for (service1, service2) in [("a", "101"), ("b", "102")] {
            _ = try await database.insert(
                uid: uid,
                service1: service1,
                service2: service2,
                properties: [0x80, 0x04, 0x7D, 0x94, 0x2E]
            )
        }
        let time = "2026-11-21 10:13:18"
        let rows = [("hello", 0), ("hello", 0), ("re", 1), ("re", 1), ("re", 1), ("re", 1), ("bye", 1), ("bye", 1)]
        let results = await database.append(
            rows.map { NewPairMessage(pair: 1, createdAt: time, content: $0.0, sentBy: Int64($0.1)) }
                + [NewPairMessage(pair: 1, createdAt: "2026-11-22T10:13:18", content: "bye", sentBy: 1)]
                + [NewPairMessage(pair: 1, createdAt: "never", content: "odd", sentBy: 7)]
        )
        #expect(results.compactMap { try? $0.get() } == Array(1...10))
        await database.close()
    }

    @Test("a file of the original is read without harm, and gone on with")
    func original() async throws {
        try await withFile { file in
            try await writeOriginal(file)
            let box = try ChatBox(name: file, service1: String.self, service2: Int.self)
            let first = try await box.worker1.access("a")
            let second = try await box.worker2.access(102)
            #expect(first.uid == UUID(uuidString: "c1afc09c-2b45-4fc5-aac9-029a6a58e373"))
            #expect(second.uid == first.uid)
            // A later client of such a file begins anew.
            #expect(try await second.history().isEmpty)
            let history = try await first.history()
            let lines = ["0 hello", "0 hello", "1 re", "1 re", "1 re", "1 re", "1 bye", "1 bye", "1 bye"]
            #expect(history.map(\.line) == lines)
            #expect(history[0].createdAt.timeIntervalSince1970 == 1_795_255_998)
            try await box.worker1.send("new", to: "a")
            try await box.worker2.send("other", to: 102)
            #expect(try await first.history(limit: 1).map(\.line) == ["0 new"])
            #expect(try await second.history().map(\.line) == ["1 other"])
            await box.close()
        }
    }

    @Test("doubles can be shown once, in pages as well", arguments: [1, 2, 3, 4, 100])
    func doubles(_ limit: Int) async throws {
        try await withFile { file in
            try await writeOriginal(file)
            let box = try ChatBox(name: file, service1: String.self, service2: Int.self)
            let connection = try #require(try await box.worker1.storedConnection(for: "a"))
            var lines: [String] = []
            var first: ChatBox<String, Int>.Message?
            while true {
                let page = try await connection.history(before: first, limit: limit, collapsingDoubles: true)
                guard let oldest = page.first else { break }
                #expect(page.count <= limit)
                lines = page.map(\.line) + lines
                first = oldest
            }
            #expect(lines == ["0 hello", "0 hello", "1 re", "1 re", "1 bye", "1 bye"])
            await box.close()
        }
    }

    @Test("properties are kept as a pickle, and what is none is no matter")
    func properties() async throws {
        try await withFile { file in
            let box = try ChatBox(name: file, service1: String.self, service2: Int.self)
            box.worker2.onCreate { _ in 101 }
            let connection = try await box.worker1.access("a")
            #expect(connection.items.isEmpty)
            #expect(connection.pickledProperties() == [0x80, 0x04, 0x7D, 0x94, 0x2E])
            connection["name"] = "Ada"
            connection["seen"] = [1, 2.5, .null, true]
            try await connection.saveProperties()
            connection["big"] = .text(String(repeating: "x", count: 70_000))
            await expectError(.tooLarge) { try await connection.saveProperties() }
            await box.close()

            let again = try ChatBox(name: file, service1: String.self, service2: Int.self)
            let stored = try #require(try await again.worker1.storedConnection(for: "a"))
            #expect(stored.items == ["name": "Ada", "seen": [1, 2.5, .null, true]])
            await again.close()

            let database = try PairDatabase(path: file + ".db")
            try await database.setProperties(Array("cos\nsystem\n".utf8), of: 1)
            await database.close()
            let odd = try ChatBox(name: file, service1: String.self, service2: Int.self)
            #expect(try await odd.worker1.access("a").items.isEmpty)
            await odd.close()
        }
    }

    @Test("pages of the history join without a gap", arguments: [1, 3, 7, 20, 50])
    func pages(_ limit: Int) async throws {
        try await withBox { box, _ in
            let connection = try await box.worker1.access("a")
            for number in 0..<20 { try await box.worker1.send("\(number)", to: "a") }
            var contents: [String] = []
            var first: TestBox.Message?
            while true {
                let page = try await connection.history(before: first, limit: limit)
                guard let oldest = page.first else { break }
                contents = page.map(\.content) + contents
                first = oldest
            }
            #expect(contents == (0..<20).map(String.init))
            #expect(try await connection.history(limit: 0).isEmpty)
            #expect(try await connection.history(limit: -1).isEmpty)
        }
    }

    @Test("an id that can't be read back is an error of that client alone")
    func badID() async throws {
        try await withFile { file in
            let database = try PairDatabase(path: file + ".db")
            _ = try await database.insert(uid: "?", service1: "a", service2: "no number", properties: [])
            await database.close()
            let box = try ChatBox(name: file, service1: String.self, service2: Int.self)
            box.worker2.onCreate { _ in 101 }
            await expectError(.badID) { try await box.worker1.access("a") }
            try await box.worker1.access("b")
            await box.close()
        }
    }

    @Test("a database that can't be opened is an error of the start")
    func cannotOpen() async throws {
        await expectError(.cannotOpen) { _ = try ChatBox(name: "/nowhere/at/all", service2: Int.self) }
        await expectError(.cannotOpen) { _ = try ChatBox(name: "", service2: Int.self, debug: true) }
        try await withFile { file in
            try Data("no database, but long enough to look like one".utf8).write(to: URL(fileURLWithPath: file + ".db"))
            await expectError(.cannotOpen) { _ = try ChatBox(name: file, service2: Int.self) }
        }
    }

    @Test("a box that nobody holds leaves nothing behind", arguments: [true, false])
    func life(_ closes: Bool) async throws {
        weak var core: ChatBoxCore<String, Int>?
        weak var database: PairDatabase?
        try await withFile { file in
            let box = try ChatBox(name: file, service1: String.self, service2: Int.self)
            let (first, second) = (box.worker1, box.worker2)
            // Callbacks hold workers, and queues hold messages that nobody takes.
            second.onCreate { _ in first.side.rawValue }
            second.onMessageReceived { message in
                if message.sentBy == .service1 { try await second.send("re", to: 0) }
            }
            try await first.access("a")
            try await first.send("x", to: "a")
            (core, database) = (box.core, box.core.database)
            #expect(core != nil && database != nil)
            if closes { await box.close() }
        }
        try await eventually("all is gone") { core == nil && database == nil }
    }

    @Test("what can't be stored is told to who sends, and nobody hears it")
    func storageError() async throws {
        try await withFile { file in
            let box = try ChatBox(name: file, service1: String.self, service2: Int.self)
            box.worker2.onCreate { _ in 101 }
            let connection = try await box.worker1.access("a")
            let queue = try #require(await box.worker1.clientQueue(for: "a"))
            await connection.database.close()
            await expectError(.storage) { try await box.worker1.send("x", to: "a") }
            #expect(queue.statistics.offered == 0)
            await box.close()
        }
    }
}
