// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

@testable import Belfry

@Suite(.timeLimit(.minutes(3)))
struct RoomTests {
    @Test("messages come in the order of their offsets, from the newest on", arguments: [1, 2, 4])
    func order(loops: Int) async throws {
        try await withBroker(LoopSetup(.epoll, loops: loops)) { test in
            let room = try await test.broker.room("order")
            try await room.publish(event: "before", .text("unseen"))
            let (_, messages) = await room.resume(after: RoomPosition(epoch: room.epoch, offset: 0), limit: 1_000)
            for number in 0..<500 {
                let position = try await room.publish(event: "n", .text("\(number)"))
                #expect(position == RoomPosition(epoch: room.epoch, offset: UInt64(number) + 1))
            }
            var iterator = messages.makeAsyncIterator()
            for number in 0..<500 {
                let message = try await iterator.next()?.message
                #expect(message?.payload.text == "\(number)")
                #expect(message?.offset == UInt64(number) + 1)
                #expect(message?.sender == .server)
                #expect(message?.room == "order" && message?.event == "n")
            }
            #expect(await room.position?.offset == 500)
        }
    }

    @Test("a follower from the latest sees only what is published after it began to wait")
    func latest() async throws {
        try await withBroker { test in
            let room = try await test.broker.room("latest")
            try await room.publish(.text("old"))
            let follower = Task { try await room.messages().first { _ in true } }
            try await eventually("the follower waits") { await room.isFollowed }
            try await room.publish(.text("new"))
            #expect(try await follower.value?.message?.payload.text == "new")
        }
    }

    @Test("history keeps the newest messages by count and by bytes")
    func history() async throws {
        try await withBroker(configure: { $0.history = HistoryLimit(messages: 5, bytes: 30) }) { test in
            let room = try await test.broker.room("history")
            for number in 0..<9 { try await room.publish(.text("\(number)")) }
            #expect(await room.history().map(\.payload.text) == ["4", "5", "6", "7", "8"])
            #expect(await room.history(limit: 2).map(\.payload.text) == ["7", "8"])
            try await room.publish(.text(String(repeating: "x", count: 28)))
            #expect(await room.history().map(\.offset) == [7, 8, 9])
            var iterator = room.messages(from: .oldest).makeAsyncIterator()
            #expect(try await iterator.next()?.message?.offset == 7)
        }
    }

    @Test("what has outlived its time is not shown to who comes late, though a follower may still have it")
    func timeToLive() async throws {
        try await withBroker(configure: { $0.history = HistoryLimit(messages: 5, timeToLive: .zero) }) { test in
            let room = try await test.broker.room("ttl")
            let (_, messages) = await room.resume(after: RoomPosition(epoch: room.epoch, offset: 0))
            let position = try await room.publish(.text("short-lived"))
            try await eventually("the clock has moved") { await room.history().isEmpty }
            let (recovered, _) = await room.resume(after: RoomPosition(epoch: position.epoch, offset: 0))
            #expect(recovered)
            var iterator = messages.makeAsyncIterator()
            #expect(try await iterator.next()?.message?.payload.text == "short-lived")
        }
    }

    @Test("resuming is recovered exactly when nothing is missing")
    func resume() async throws {
        try await withBroker(configure: { $0.history = HistoryLimit(messages: 4) }) { test in
            let room = try await test.broker.room("resume")
            for number in 0..<10 { try await room.publish(.text("\(number)")) }
            func resume(_ offset: UInt64, epoch: UInt64? = nil) async throws -> (Bool, [Delivery]) {
                let position = RoomPosition(epoch: epoch ?? room.epoch, offset: offset)
                let (recovered, messages) = await room.resume(after: position)
                var iterator = messages.batches().makeAsyncIterator()
                var found: [Delivery] = []
                while found.last?.message?.offset != 9, let batch = try await iterator.next() { found += batch }
                return (recovered, found)
            }
            let whole = try await resume(5)
            #expect(whole.0)
            #expect(whole.1.compactMap(\.message?.offset) == [6, 7, 8, 9])
            let short = try await resume(4)
            #expect(!short.0)
            #expect(short.1.first == .gap(from: 5, to: 6))
            #expect(short.1.compactMap(\.message?.offset) == [6, 7, 8, 9])
            let other = try await resume(5, epoch: room.epoch &+ 1)
            #expect(!other.0)
            #expect(other.1.compactMap(\.message?.offset) == [6, 7, 8, 9])
            let future = try await resume(.max)
            #expect(!future.0)
            #expect(future.1.compactMap(\.message?.offset) == [6, 7, 8, 9])
            let (upToDate, _) = await room.resume(after: RoomPosition(epoch: room.epoch, offset: 9))
            #expect(upToDate)
        }
    }

    @Test("batches hold what is there, bounded")
    func batches() async throws {
        try await withBroker(configure: { $0.history = HistoryLimit(messages: 100) }) { test in
            let room = try await test.broker.room("batches")
            for number in 0..<25 { try await room.publish(.text("\(number)")) }
            var sizes: [Int] = []
            for try await batch in room.messages(from: .oldest).batches(upTo: 10) {
                sizes.append(batch.count)
                if sizes.reduce(0, +) == 25 { break }
            }
            #expect(sizes == [10, 10, 5])
        }
    }

    @Test("the end of the broker ends a sequence with nil, and publishing with an error")
    func end() async throws {
        try await withBroker { test in
            let room = try await test.broker.room("end")
            let follower = Task { () throws -> Int in
                var count = 0
                for try await _ in room.messages() { count += 1 }
                return count
            }
            let watcher = Task { () throws -> Int in
                var count = 0
                for try await _ in await room.presence() { count += 1 }
                return count
            }
            try await eventually("the follower waits") { await room.isFollowed }
            try await eventually("the watcher waits") { await room.isWatched }
            await test.broker.shutDown()
            #expect(try await follower.value == 0)
            #expect(try await watcher.value == 0)
            await #expect(throws: BelfryError.self) { try await room.publish(.text("late")) }
            await #expect(throws: BelfryError.self) { try await test.broker.room("late") }
            var late = room.messages().makeAsyncIterator()
            #expect(try await late.next() == nil)
            await test.broker.shutDown()
        }
    }

    @Test("a cancelled follower ends, and its subscription goes with its iterator")
    func cancelled() async throws {
        try await withBroker { test in
            let room = try await test.broker.room("cancelled")
            let follower = Task { () throws -> Int in
                var count = 0
                for try await _ in room.messages() { count += 1 }
                return count
            }
            try await eventually("the follower waits") { await room.isFollowed }
            follower.cancel()
            #expect(try await follower.value == 0)
            try await eventually("its subscription has gone") { await !room.isFollowed }
        }
    }

    @Test("a room goes when nobody holds it, follows it or is in it")
    func goes() async throws {
        try await withBroker(LoopSetup(.epoll, loops: 2)) { test in
            for number in 0..<20 {
                let room = try await test.broker.room("going \(number)")
                try await room.publish(.text("x"))
                let (_, messages) = await room.resume(after: RoomPosition(epoch: 1, offset: 1))
                _ = messages
                _ = await room.presence()
            }
            try await eventually("no room is left") { test.broker.statistics.rooms == 0 }
            let client = try await test.join("going")
            try await eventually("the client's room") { test.broker.statistics.rooms == 1 }
            try await client.send("LEAVE going")
            try await eventually("no room is left") { test.broker.statistics.rooms == 0 }
        }
    }

    @Test("presence tells who is there and who comes and goes", arguments: [1, 2])
    func presence(loops: Int) async throws {
        try await withBroker(LoopSetup(.epoll, loops: loops)) { test in
            let room = try await test.broker.room("presence")
            let changes = await room.presence()
            let client = try await test.join("presence")
            var iterator = changes.makeAsyncIterator()
            guard case .element(let joined)? = try await iterator.next() else { throw ConditionNotMet("joined") }
            #expect(joined.kind == .joined && joined.identity == nil)
            #expect(await room.memberCount == 1)
            #expect(await Array(room.members.keys) == [joined.session])
            await client.close()
            guard case .element(let left)? = try await iterator.next() else { throw ConditionNotMet("left") }
            #expect(left == PresenceChange(kind: .left, session: joined.session, identity: nil))
            #expect(await room.memberCount == 0)
        }
    }

    @Test("names out of bounds, too many rooms and too long messages are refused with their limit's name")
    func limits() async throws {
        try await withBroker(
            LoopSetup(.epoll, loops: 2),
            configure: {
                $0.limits.maxRooms = 3
                $0.limits.maxRoomNameBytes = 10
                $0.limits.maxMessageBytes = 100
            }
        ) { test in
            func refusal(_ body: () async throws -> Void) async -> BelfryError? {
                do { try await body() } catch { return error as? BelfryError }
                return nil
            }
            #expect(await refusal { _ = try await test.broker.room("") }?.code == .invalidArgument)
            #expect(await refusal { _ = try await test.broker.room("12345678901") }?.code == .invalidArgument)
            var rooms: [Room] = []
            for name in ["a", "b", "c"] { rooms.append(try await test.broker.room(name)) }
            let tooMany = await refusal { _ = try await test.broker.room("d") }
            #expect(tooMany?.code == .limitExceeded && tooMany?.message.contains("maxRooms") == true)
            let tooLong = await refusal {
                try await rooms[0].publish(event: "e", .text(String(repeating: "x", count: 100)))
            }
            #expect(tooLong?.code == .limitExceeded && tooLong?.message.contains("maxMessageBytes") == true)
            try await rooms[0].publish(event: "e", .text(String(repeating: "x", count: 99)))
            rooms = []
            try await eventually("rooms are gone") { test.broker.statistics.rooms == 0 }
            _ = try await test.broker.room("d")
        }
    }
}
