// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryTesting
import BelfryWatchbox
import Testing

@Suite("Watchbox client, sending", .timeLimit(.minutes(3)))
struct WatchboxClientSendingTests {
    /// What was thrown, nil for nothing.
    private func code(_ body: () async throws -> Void) async -> WatchboxClientError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? WatchboxClientError)?.code ?? .timedOut
        }
    }

    @Test("messages are written as the browser client writes them", arguments: BackendKind.testable)
    func writes(_ backend: BackendKind) async throws {
        try await withStation(backend) { station, client in
            try await client.publish("im here! +é", to: "a b")
            try await client.publish(.json(#"{"a":1}"#), to: "foo")
            try await client.publish(.binary([1, 2, 3]), to: "é&=")
            #expect(try await client.send("player 1 joined") == .taken)
            let bodies = await station.asked.filter { $0.type != "register" }.map(\.body)
            #expect(
                bodies == [
                    "group=a+b&text=%2522im%2520here!%2520%252B%255Cu00e9%2522",
                    "group=foo&text=%257B%2522a%2522%253A1%257D",
                    "group=%C3%A9%26%3D&text=%2522AQID%2522",
                    "text=%2522player%25201%2520joined%2522",
                ]
            )
        }
    }

    @Test("the server's answers are told")
    func answers() async throws {
        try await withStation { station, client in
            await station.answer("server", with: "wb22", "wb23", "wb24", "wb99", "500")
            for answer in [WatchboxClient.Answer.taken, .noHandler, .refused] {
                let found = try await client.send("a")
                #expect(found == answer)
            }
            #expect(await code { try await client.send("a") } == .badAnswer)
            #expect(await code { try await client.send("a") } == .badAnswer)
            await station.answer("brdcst", with: "wb24", "413", "<html>")
            #expect(await code { try await client.publish("a", to: "b") } == .refused)
            #expect(await code { try await client.publish("a", to: "b") } == .refused)
            #expect(
                await code { try await client.publish("a", to: "b") } == .badAnswer
            )
        }
    }

    @Test("what can't be sent is refused before it leaves")
    func refuses() async throws {
        try await withStation(configure: { $0.maxMessageBytes = 10 }) { station, client in
            #expect(
                await code { try await client.publish("a", to: "server") } == .refused
            )
            #expect(await code { try await client.send(.json("wb41")) } == .badData)
            #expect(await code { try await client.send("123456789") } == .tooLarge)
            #expect(await station.asked.isEmpty)
        }
    }

    @Test(
        "what is sent before the server is there waits for it, in order and within bounds",
        arguments: BackendKind.testable
    )
    func holdsBack(_ backend: BackendKind) async throws {
        try await withStation(backend, starts: false, configure: { $0.maxQueuedMessages = 3 }) { station, client in
            var tasks: [Task<WatchboxClientError.Code?, Never>] = []
            for number in 1...3 {
                tasks.append(Task { await code { try await client.publish("\(number)", to: "a") } })
                try await eventually("\(number) wait") { await client.waitingMessages == number }
            }
            #expect(await code { try await client.publish("4", to: "a") } == .queueFull)
            try await station.start()
            for task in tasks { #expect(await task.value == nil) }
            #expect(await station.asked.compactMap(\.text) == [#""1""#, #""2""#, #""3""#])
            try await client.publish("5", to: "a")
        }
    }

    @Test("what the server did not take, having forgotten the client, is sent again after registration")
    func repeats() async throws {
        try await withStation { station, client in
            let events = client.events
            try await client.publish("1", to: "a")
            await station.forget()
            try await client.publish("2", to: "a")
            #expect(await station.asked.compactMap(\.text) == [#""1""#, #""2""#, #""2""#])
            #expect(
                try await takeEvents(3, from: events) == ["registered", "disconnected notRegistered", "reconnected"]
            )
        }
    }

    @Test("a cancelled or closed wait for registration ends")
    func ends() async throws {
        try await withStation(starts: false) { station, client in
            let cancelled = Task {
                await code { try await client.publish("1", to: "a") }
            }
            let closed = Task {
                await code { try await client.publish("2", to: "a") }
            }
            try await eventually("both wait") { await client.waitingMessages == 2 }
            cancelled.cancel()
            #expect(await cancelled.value == .cancelled)
            #expect(
                await code { try await client.connect(timeout: .milliseconds(1)) }
                    == .timedOut
            )
            await client.close()
            #expect(await closed.value == .closed)
            #expect(await code { try await client.publish("3", to: "a") } == .closed)
            #expect(await code { try await client.connect() } == .closed)
            #expect(try await take(1, from: client.join("a")) == [])
        }
    }

    @Test("the answers of the server's application come through the group 'server'")
    func replies() async throws {
        try await withStation { station, client in
            let replies = client.replies
            try await eventually("the join") { await station.isMember(of: "server") }
            await station.publish([#""Sending a message back""#], to: "server")
            #expect(try await take(1, from: replies) == ["Sending a message back"])
        }
    }
}
