// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

@testable import Belfry

@Suite("Publishing to the others in a room", .timeLimit(.minutes(3)))
struct PublishToOthersTests {
    @Test("everybody gets what all others said, in one order, and nothing of their own", arguments: LoopSetup.all)
    func others(_ setup: LoopSetup) async throws {
        try await withBroker(setup) { test in
            let clients = try await test.join("all", count: 6)
            let watcher = try await test.join("all", count: 1)[0]
            let count = 200
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, client) in clients.enumerated() {
                    group.addTask {
                        for message in 0..<count { try await client.send("O all p\(number) \(message)") }
                    }
                }
                try await group.waitForAll()
            }
            let all = await watcher.lines(clients.count * count)
            for (number, client) in clients.enumerated() {
                let expected = all.filter { !$0.hasPrefix("M all p\(number) ") }
                let lines = await client.lines(expected.count)
                #expect(lines == expected)
                #expect(all.count - expected.count == count)
            }
        }
    }

    @Test("what is said to others and what is said to all keep their order", arguments: LoopSetup.all)
    func mixed(_ setup: LoopSetup) async throws {
        try await withBroker(setup) { test in
            let clients = try await test.join("mix", count: 2)
            var sent: [UInt8] = []
            for number in 0..<300 { sent += Array("O mix o \(number)\nO mix o \(number)\nM mix m \(number)\n".utf8) }
            try await clients[0].send(sent)
            #expect(await clients[0].lines(300) == (0..<300).map { "M mix m \($0)" })
            let expected = (0..<300).flatMap { ["M mix o \($0)", "M mix o \($0)", "M mix m \($0)"] }
            #expect(await clients[1].lines(900) == expected)
        }
    }

    @Test(
        "a slow one who publishes loses by the policy, and never hears itself",
        arguments: [OverflowPolicy.dropOldest, .dropNewest, .latestPerKey],
        LoopSetup.all.filter { $0.loops != 4 }
    )
    func slow(_ policy: OverflowPolicy, _ setup: LoopSetup) async throws {
        var frontEnd = LineFrontEnd()
        frontEnd.lag = LagLimit(messages: 8, policy: policy)
        try await withBroker(setup, listener: .unix, frontEnd: frontEnd) { test in
            let slow = try await test.join("slow", count: 1)[0]
            let fast = try await test.join("slow", count: 1)[0]
            await slow.setReading(false)
            let filler = String(repeating: "x", count: 32 * 1024)
            for number in 0..<60 {
                try await fast.send("O slow theirs\(number) \(filler)")
                try await slow.send("O slow own\(number) \(filler)")
                #expect(await fast.line() == "M slow own\(number) \(filler)")
            }
            try await fast.send("O slow theirs-last end")
            await slow.setReading(true)
            var events: [String] = []
            while let line = await slow.line() {
                let words = line.split(separator: " ", maxSplits: 3)
                events.append(words[0] == "G" ? "gap" : String(words[2]))
                if events.last == "theirs-last" { break }
                // With the newest refused, the end may be among the lost.
                if policy == .dropNewest, events.contains("gap") { break }
            }
            #expect(!events.contains { $0.hasPrefix("own") })
            #expect(events.contains("gap"))
        }
    }
}

@Suite("Taps on rooms", .timeLimit(.minutes(3)))
struct RoomTapTests {
    /// Writes down what it hears, for everybody to read.
    private final class Witness: RoomTap {
        private let heard: SharedList

        init(_ heard: SharedList) { self.heard = heard }

        func wants(_ room: String) -> Bool { room != "unwanted" }
        func published(_ event: String, _ payload: Payload, in room: String, on context: LoopContext) {
            heard.lock.withLock { $0.append("\(room) \(event) \(payload.text)") }
        }
    }

    @Test("a tap hears clients and the process in every room that it wants, and not what it relays itself")
    func hears() async throws {
        try await withBroker { test in
            let heard = SharedList()
            let client = try await test.join("a", count: 1)[0]
            let (room, unwanted) = (try await test.broker.room("b"), try await test.broker.room("unwanted"))
            await LoopDoor(test.broker.shared, 0).run { context in
                let tap = Witness(heard)
                context.setTap(tap, isActive: true)
                context.setTap(tap, isActive: true)
                context.relay("r", .text("own"), to: "a", sender: .server, from: tap)
                context.relay("r", .text("nobody"), to: "not there", sender: .server, from: tap)
            }
            try await client.send("M a e 1")
            #expect(await client.lines(2) == ["M a r own", "M a e 1"])
            try await room.publish(event: "e", .text("2"))
            try await unwanted.publish(event: "e", .text("3"))
            let later = try await test.broker.room("later")
            try await later.publish(event: "e", .text("4"))
            #expect(heard.lock.withLock { $0 } == ["a e 1", "b e 2", "later e 4"])
            #expect(test.broker.statistics.rooms == 4)
        }
    }

    @Test("a front-end's own room can't be joined or asked for by its name")
    func own() async throws {
        try await withBroker { test in
            let client = try await test.connect()
            try await client.send("JOIN \(OwnRoom.name("hub"))")
            #expect(await client.line() == "! \(OwnRoom.name("hub")) badName")
            await #expect(throws: BelfryError.self) { try await test.broker.room(OwnRoom.name("hub")) }
        }
    }

    private final class SharedList: Sendable {
        let lock = Lock<[String]>([])
    }
}
