// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryTesting
import Foundation
import Testing

@testable import BelfryChatBox

@Suite("Messages are stored and handed to both sides", .timeLimit(.minutes(1)))
struct MessageTests {
    @Test("both sides hear what either says, their own words too, in order")
    func bothSides() async throws {
        try await withBox { box, heard in
            try await box.worker1.access("a")
            let web = try #require(await box.worker1.clientQueue(for: "a"))
            let discord = try #require(await box.worker2.clientQueue(for: 101))
            let all = box.worker2.receiveQueue
            let say = box.worker1.sender(for: "a")
            try await say("hello <b>world</b> 世")
            try await box.worker2.send("re: x", to: 101)
            try await say("")
            let lines = ["0 hello <b>world</b> 世", "1 re: x", "0 "]
            #expect(try await web.first(3).map(\.line) == lines)
            #expect(try await discord.first(3).map(\.line) == lines)
            #expect(try await all.first(3).map(\.line) == lines)
        }
    }

    @Test("the callback comes first, then the client's queue, then the receive queue")
    func order() async throws {
        try await withBox { box, heard in
            try await box.worker1.access("a")
            let door = Door()
            box.worker2.onMessageReceived { message in
                heard.add(message.line)
                await door.pass()
            }
            let (queue, all) = (try #require(await box.worker2.clientQueue(for: 101)), box.worker2.receiveQueue)
            try await box.worker1.send("one", to: "a")
            try await box.worker1.send("two", to: "a")
            try await eventually("the callback waits") { door.waitingCount == 1 }
            #expect(queue.statistics.offered == 0)
            #expect(all.statistics.offered == 0)
            door.open()
            #expect(try await all.first(2).map(\.line) == ["0 one", "0 two"])
            #expect(try await queue.first(2).map(\.line) == ["0 one", "0 two"])
            #expect(heard.all.suffix(2) == ["0 one", "0 two"])
        }
    }

    @Test("every holder of a client queue gets every message")
    func holders() async throws {
        try await withBox { box, _ in
            try await box.worker1.access("a")
            try await box.worker1.send("before", to: "a")
            let first = try #require(await box.worker1.clientQueue(for: "a"))
            try await box.worker1.access("a")
            let second = try #require(await box.worker1.clientQueue(for: "a"))
            try await box.worker2.send("after", to: 101)
            #expect(try await first.first(2).map(\.line) == ["0 before", "1 after"])
            #expect(try await second.first(1).map(\.line) == ["1 after"])
            try await box.worker1.deactivate("a")
            try await box.worker2.send("still", to: 101)
            #expect(try await first.first(1).map(\.line) == ["1 still"])
            try await box.worker1.deactivate("a")
            // The end.
            #expect(try await first.first(1).isEmpty)
            #expect(try await second.first(2).map(\.line) == ["1 still"])
            #expect(await box.worker1.clientQueue(for: "a") == nil)
        }
    }

    @Test("a callback that fails or is slow harms nobody else")
    func callbackErrors() async throws {
        struct Failure: Error {}
        try await withBox { box, heard in
            let door = Door()
            box.worker2.onMessageReceived { message in
                if message.service1ID == "slow" { await door.pass() }
                heard.add("\(message.service2ID) \(message.line)")
                throw Failure()
            }
            try await box.worker1.access("slow")
            try await box.worker1.access("a")
            heard.removeAll()
            try await box.worker1.send("1", to: "slow")
            try await box.worker1.send("2", to: "a")
            try await box.worker1.send("3", to: "a")
            try await eventually("the quick ones are through") { heard.all == ["102 0 2", "102 0 3"] }
            door.open()
            try await eventually("all are through") { heard.all.last == "101 0 1" }
        }
    }

    @Test("who sends waits while too much is undelivered, callbacks of the pair do not")
    func backPressure() async throws {
        var configuration = ChatBoxConfiguration()
        configuration.maxUndelivered = 2
        try await withBox(configuration: configuration) { box, heard in
            let (door, discord) = (Door(), box.worker2)
            box.worker2.onMessageReceived { message in
                await door.pass()
                if message.sentBy == .service1 {
                    for index in 1...3 { try await discord.send("re\(index): \(message.content)", to: 101) }
                }
            }
            let connection = try await box.worker1.access("a")
            try await box.worker1.send("1", to: "a")
            try await box.worker1.send("2", to: "a")
            let third = Task { try await box.worker1.send("3", to: "a") }
            let cancelled = Task { try await box.worker1.send("4", to: "a") }
            cancelled.cancel()
            await expectError(.cancelled) { try await cancelled.value }
            #expect(try await connection.savedMessageCount() == 2)
            door.open()
            try await third.value
            try await eventually("all answers are there") { try await connection.savedMessageCount() == 12 }
        }
    }

    @Test("who waits to send is told when the client is no longer active")
    func endOfWaiting() async throws {
        var configuration = ChatBoxConfiguration()
        configuration.maxUndelivered = 1
        try await withBox(configuration: configuration) { box, _ in
            let door = Door()
            box.worker2.onMessageReceived { _ in await door.pass() }
            let connection = try await box.worker1.access("a")
            try await box.worker1.send("1", to: "a")
            let waiting = (0..<5).map { _ in Task { try await box.worker1.send("x", to: "a") } }
            try await eventually("all wait") { await box.core.senderCount == 5 }
            try await box.worker1.deactivate("a")
            door.open()
            for task in waiting { await expectError(.notActive) { try await task.value } }
            #expect(try await connection.savedMessageCount() == 1)
        }
    }

    @Test("a send is stored when it returns, with the time and its number")
    func stored() async throws {
        try await withBox { box, _ in
            let connection = try await box.worker1.access("a")
            let before = Date().timeIntervalSince1970.rounded(.down)
            try await box.worker1.send("one", to: "a")
            try await box.worker2.send("two\0three", to: 101)
            let history = try await connection.history()
            #expect(history.map(\.line) == ["0 one", "1 two\0three"])
            #expect(history.map(\.number) == [1, 2])
            for message in history {
                #expect((before...before + 60).contains(message.createdAt.timeIntervalSince1970))
            }
        }
    }

    @Test("many senders at once keep each its order")
    func manySenders() async throws {
        try await withBox { box, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<10 {
                    group.addTask {
                        let id = "client \(client)"
                        let connection = try await box.worker1.access(id)
                        for number in 0..<20 { try await box.worker1.send("\(number)", to: id) }
                        let contents = try await connection.history().map(\.content)
                        #expect(contents == (0..<20).map(String.init))
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("who is not active can't send, but messages may be left for the next visit, so many of them")
    func left() async throws {
        var configuration = ChatBoxConfiguration()
        configuration.maxWaiting = 3
        try await withBox(configuration: configuration) { box, _ in
            await expectError(.notActive) { try await box.worker2.send("x", to: 101) }
            await expectError(.unknownClient) { try await box.worker2.leave("x", for: 101) }
            let connection = try await box.worker1.access("a")
            try await box.worker2.send("seen", to: 101)
            try await box.worker1.send("bye", to: "a")
            try await box.worker1.deactivate("a")
            await expectError(.notActive) { try await box.worker2.send("x", to: 101) }
            for number in 1...3 { try await box.worker2.leave("left \(number)", for: 101) }
            await expectError(.tooManyWaiting) { try await box.worker2.leave("left 4", for: 101) }
            // The other side has its own count.
            try await box.worker1.leave("me too", for: "a")
            let lines = ["1 seen", "0 bye", "1 left 1", "1 left 2", "1 left 3", "0 me too"]
            #expect(try await connection.history().map(\.line) == lines)
            // A visit reads all; an active client hears at once.
            try await box.worker1.access("a")
            let queue = try #require(await box.worker1.clientQueue(for: "a"))
            try await box.worker2.leave("live", for: 101)
            #expect(try await queue.first(1).map(\.line) == ["1 live"])
            try await box.worker1.deactivate("a")
            try await box.worker2.leave("left again", for: 101)
        }
    }

    @Test("messages name their connection, by queue and by subscript")
    func byConnection() async throws {
        try await withBox { box, _ in
            let a = try await box.worker1.access("a")
            let b = try await box.worker1.access("b")
            try await box.worker1[a]("one")
            try await box.worker2[a]("two")
            try await box.worker1.send(.init(connection: a, sentBy: .service1, content: "three"))
            await expectError(.wrongConnection) {
                try await box.worker1.send(.init(connection: a, sentBy: .service2, content: "x"))
            }
            #expect(try await a.history().map(\.line) == ["0 one", "1 two", "0 three"])
            #expect(try await b.history().isEmpty)
            try await withBox { other, _ in
                let foreign = try await other.worker1.access("a")
                await expectError(.wrongConnection) { try await box.worker1[foreign]("x") }
            }
            try await box.worker1.deactivate("b")
            await expectError(.notActive) { try await box.worker1[b]("x") }
        }
    }

    @Test("what the send queue holds is sent while the box runs, and stored before it ends")
    func sendQueue() async throws {
        try await withFile { file in
            let box = try ChatBox(name: file, service1: String.self, service2: Int.self)
            box.worker2.onCreate { _ in 101 }
            let connection = try await box.worker1.access("a")
            #expect(
                box.worker1.sendQueue.send(.init(connection: connection, sentBy: .service1, content: "1")) == .accepted
            )
            #expect(try await connection.savedMessageCount() == 0)
            let run = Task { try await box.run() }
            try await eventually("it is sent") { try await connection.savedMessageCount() == 1 }
            await expectError(.limitExceeded) { try await box.run() }
            for number in 2...50 {
                box.worker1.sendQueue.send(.init(connection: connection, sentBy: .service1, content: "\(number)"))
            }
            run.cancel()
            try await run.value
            await expectError(.closed) { try await box.worker1.send("x", to: "a") }
            await expectError(.closed) { try await box.worker1.access("a") }
            await expectError(.storage) { _ = try await connection.history() }
            let again = try ChatBox(name: file, service1: String.self, service2: Int.self)
            let stored = try #require(try await again.worker2.storedConnection(for: 101))
            #expect(try await stored.history().map(\.content) == (1...50).map(String.init))
            await again.close()
        }
    }

    @Test("callbacks that are due are called before the box is closed")
    func closing() async throws {
        let heard = Heard()
        try await withBox { box, _ in
            let door = Door()
            box.worker2.onMessageReceived { message in
                await door.pass()
                heard.add(message.line)
            }
            try await box.worker1.access("a")
            for number in 1...3 { try await box.worker1.send("\(number)", to: "a") }
            try await box.worker1.deactivate("a")
            try await eventually("the callback waits") { door.waitingCount == 1 }
            door.open()
        }
        #expect(heard.all == ["0 1", "0 2", "0 3"])
    }

    @Test("texts have a bound")
    func bound() async throws {
        var configuration = ChatBoxConfiguration()
        configuration.maxMessageBytes = 4
        try await withBox(configuration: configuration) { box, _ in
            let connection = try await box.worker1.access("a")
            try await box.worker1.send("世1", to: "a")
            await expectError(.tooLarge) { try await box.worker1.send("世12", to: "a") }
            #expect(try await connection.savedMessageCount() == 1)
        }
    }
}
