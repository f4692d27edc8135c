// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

@testable import Belfry

@Suite(.timeLimit(.minutes(3)))
struct FanOutTests {
    @Test("all subscribers on all loops get all messages in one order", arguments: LoopSetup.all)
    func oneOrder(setup: LoopSetup) async throws {
        try await withBroker(setup) { test in
            let clients = try await test.join("all", count: 12)
            let (publishers, count) = (4, 200)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for publisher in 0..<publishers {
                    group.addTask {
                        for number in 0..<count {
                            try await clients[publisher].send("M all p\(publisher) \(number)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            let first = await clients[0].lines(publishers * count)
            #expect(first.count == publishers * count)
            for client in clients.dropFirst() {
                let lines = await client.lines(publishers * count)
                #expect(lines == first)
            }
            for publisher in 0..<publishers {
                let own = first.filter { $0.hasPrefix("M all p\(publisher) ") }
                #expect(own == (0..<count).map { "M all p\(publisher) \($0)" })
            }
            #expect(test.broker.statistics.lost == 0)
        }
    }

    @Test("a direct frame keeps its place behind the messages that came before it", arguments: LoopSetup.all)
    func directFrames(setup: LoopSetup) async throws {
        try await withBroker(setup) { test in
            // Where room and connection share a loop, the order is that of the connection's own input.
            for attempt in 0..<setup.loops {
                let client = try await test.join("direct \(attempt)".replacing(" ", with: "-"), count: 1)[0]
                let room = "direct-\(attempt)"
                var sent: [UInt8] = []
                for number in 0..<300 { sent += Array("M \(room) e \(number)\nSAY \(number)\n".utf8) }
                try await client.send(sent)
                let lines = await client.lines(600)
                #expect(lines.filter { $0.hasPrefix("M") } == (0..<300).map { "M \(room) e \($0)" })
                #expect(lines.filter { $0.hasPrefix("=") } == (0..<300).map { "= \($0)" })
                if setup.loops == 1 {
                    #expect(lines == (0..<300).flatMap { ["M \(room) e \($0)", "= \($0)"] })
                }
            }
        }
    }

    @Test("one who is in several rooms gets them all, who left gets no more", arguments: LoopSetup.all)
    func rooms(setup: LoopSetup) async throws {
        try await withBroker(setup) { test in
            let client = try await test.connect()
            var rooms: [Room] = []
            for number in 0..<10 {
                try await client.send("JOIN r\(number)")
                // Again, and off and on again: it is still one subscription.
                try await client.send("JOIN r\(number)\nLEAVE r\(number)\nJOIN r\(number)\nSAY on")
                try await client.skip(to: "= on")
                rooms.append(try await test.broker.room("r\(number)"))
            }
            for room in rooms { try await eventually("joined") { await room.memberCount == 1 } }
            for number in 0..<100 { try await rooms[number % 10].publish(event: "e", .text("\(number)")) }
            let lines = await client.lines(100)
            for number in 0..<10 {
                let own = lines.filter { $0.hasPrefix("M r\(number) ") }
                #expect(own == stride(from: number, to: 100, by: 10).map { "M r\(number) e \($0)" })
            }
            try await client.send("LEAVE r3")
            try await eventually("left") { await rooms[3].memberCount == 0 }
            try await rooms[3].publish(event: "e", .text("unseen"))
            try await rooms[4].publish(event: "e", .text("seen"))
            #expect(await client.line() == "M r4 e seen")
        }
    }

    @Test("what a format can't say is skipped by its subscribers, the rest arrives")
    func unsayable() async throws {
        try await withBroker { test in
            let client = try await test.join("words", count: 1)[0]
            let room = try await test.broker.room("words")
            try await room.publish(event: "a", .text("1"))
            for _ in 0..<1_000 { try await room.publish(event: "unsayable", .text("?")) }
            try await room.publish(event: "a", .text("2"))
            #expect(await client.lines(2) == ["M words a 1", "M words a 2"])
        }
    }

    @Test("one megabyte arrives whole", arguments: LoopSetup.all)
    func megabyte(setup: LoopSetup) async throws {
        try await withBroker(setup) { test in
            let clients = try await test.join("big", count: 3)
            let room = try await test.broker.room("big")
            let text = String(repeating: "0123456789abcdef", count: 65_536)
            try await room.publish(event: "e", .text(text))
            for client in clients { #expect(await client.line() == "M big e \(text)") }
        }
    }

    @Test("on one loop a publish to a hundred subscribers runs no job and wakes nobody")
    func noJobs() async throws {
        try await withBroker { test in
            let clients = try await test.join("law", count: 20)
            let (before, after) = await LoopDoor(test.broker.shared, 0).run { context in
                let before = context.loop.statistics
                guard let core = context.room("law") else { return (before, before) }
                for number in 0..<1_000 { core.publish(event: "e", payload: .text("\(number)"), sender: .server) }
                return (before, context.loop.statistics)
            }
            #expect(after.jobs == before.jobs && after.jobsFromElsewhere == before.jobsFromElsewhere)
            for client in clients { #expect(await client.lines(1_000).last == "M law e 999") }
            // Nor does a message from a client, all the way from its socket to those of the others.
            let quiet = await test.loopStatistics()[0]
            let sent = (0..<1_000).flatMap { Array("M law e \($0)\n".utf8) }
            try await clients[0].send(sent)
            for client in clients { #expect(await client.lines(1_000).last == "M law e 999") }
            let end = await test.loopStatistics()[0]
            // The one job is the question for the statistics itself.
            #expect(end.jobs - quiet.jobs <= 1)
            #expect(end.jobsFromElsewhere - quiet.jobsFromElsewhere <= 1)
        }
    }

    @Test("a follower on the room's loop is resumed without leaving the loop")
    func noOffLoopResume() async throws {
        try await withBroker { test in
            let room = try await test.broker.room("follow")
            let loop = test.broker.loop
            let before = await test.loopStatistics()[0].jobsFromElsewhere
            let follower = Task(executorPreference: loop) { () throws -> Int in
                var count = 0
                for try await _ in room.messages(onOverflow: .suspend) {
                    count += 1
                    if count == 1_000 { break }
                }
                return count
            }
            let publisher = Task(executorPreference: loop) {
                while await !room.isFollowed { await Task.yield() }
                for number in 0..<1_000 { try await room.publish(.text("\(number)")) }
            }
            #expect(try await follower.value == 1_000)
            try await publisher.value
            let after = await test.loopStatistics()[0].jobsFromElsewhere
            // The two tasks' starts and the two questions for statistics come from here; nothing else does.
            #expect(after - before <= 4)
        }
    }
}
