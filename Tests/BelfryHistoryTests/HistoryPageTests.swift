// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHistory
import BelfryIO
import Foundation
import Logging
import Testing

@Suite("Pages and search", .timeLimit(.minutes(3)))
struct HistoryPageTests {
    @Test(
        "pages go through all messages, forwards and backwards, in memory and in the file",
        arguments: [7, 100, 1_000]
    )
    func pages(_ limit: Int) async throws {
        let file = try HistoryFile()
        let texts = (0..<1_000).map(String.init)
        try await file.withBroker { broker in
            let room = try await broker.room("a")
            try await room.store(texts)
            var found: [String] = []
            var cursor: HistoryCursor? = .oldest
            while let place = cursor {
                let page = try await room.page(place, limit: limit)
                #expect(page.messages.count <= limit)
                found += page.texts
                cursor = page.newer
            }
            #expect(found == texts)
            found = []
            cursor = .newest
            while let place = cursor {
                let page = try await room.page(place, limit: limit)
                found = page.texts + found
                cursor = page.older
            }
            #expect(found == texts)
        }
    }

    @Test("a page by time begins with the first message of that time, or ends before it")
    func time() async throws {
        let file = try HistoryFile()
        let texts = (0..<600).map(String.init)
        try await file.withBroker { broker in
            let room = try await broker.room("a")
            // In groups, so that several have one time and groups do not.
            for start in stride(from: 0, to: 600, by: 100) {
                try await room.store(texts[start..<start + 100])
                try await eventually("the clock moves") {
                    let last = try await room.page(limit: 1).messages.first?.timestamp
                    return Int64(Date().timeIntervalSince1970 * 1e9) > (last ?? 0) + 1_000_000
                }
            }
            let all = try await room.page(limit: 10_000).messages
            for index in [0, 1, 99, 100, 250, 400, 599] {
                let time = all[index].timestamp
                let expected = all.filter { $0.timestamp >= time }
                #expect(try await room.page(.since(time), limit: 20).messages == Array(expected.prefix(20)))
                #expect(try await room.page(.since(time), limit: 10_000).messages == expected)
                let before = all.filter { $0.timestamp < time }
                #expect(try await room.page(.until(time), limit: 20).messages == Array(before.suffix(20)))
                #expect(try await room.page(.until(time), limit: 10_000).messages == before)
            }
            #expect(try await room.page(.since(.max)).messages.isEmpty)
            #expect(try await room.page(.until(.min)).messages.isEmpty)
        }
    }

    @Test("search finds all words in any order, of one room, newest last, page by page")
    func search() async throws {
        let file = try HistoryFile()
        try await file.withBroker { broker in
            let room = try await broker.room("a")
            let other = try await broker.room("b")
            try await room.store(["the quick brown fox", "A brown BEAR", "crème brûlée", "fox \"and\" bear - NOT x*"])
            try await other.store(["brown fox of another room"])
            func found(_ text: String) async throws -> [UInt64] { try await room.search(text).map(\.offset) }
            #expect(try await found("brown") == [0, 1])
            #expect(try await found("fox brown") == [0])
            #expect(try await found("creme BRULEE") == [2])
            #expect(try await found("said") == [0, 1, 2, 3])
            #expect(try await found("x* OR \"") == [])
            #expect(try await found("\"; DROP TABLE message") == [])
            #expect(try await found("not x") == [3])
            #expect(try await found("-- \"") == [])
            #expect(try await room.search("bear", before: 3).map(\.offset) == [1])
            #expect(try await room.search("said", limit: 2).map(\.offset) == [2, 3])
        }
    }

    @Test("without a store the same pages come from memory, and words may be parts of longer ones")
    func memory() async throws {
        var configuration = BrokerConfiguration(io: .epoll, loops: 1)
        configuration.history = HistoryLimit(messages: 10)
        let broker = try Broker(configuration: configuration, logger: .init(label: "memory"))
        let room = try await broker.room("a")
        for number in 0..<20 { try await room.publish(.text("number \(number)")) }
        #expect(try await room.page(.oldest, limit: 3).messages.map(\.offset) == [10, 11, 12])
        #expect(try await room.page(.after(12), limit: 2).messages.map(\.offset) == [13, 14])
        #expect(try await room.page(.before(13), limit: 10).messages.map(\.offset) == [10, 11, 12])
        #expect(try await room.page(.newest, limit: 2).newer == nil)
        #expect(try await room.page(.newest, limit: 2).older == .before(18))
        #expect(try await room.search("numb 19").map(\.offset) == [19])
        await broker.shutDown()
    }
}
