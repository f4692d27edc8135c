// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryNucosMQ
import BelfryTesting
import Testing

@Suite("NucosClient and NucosServer", .timeLimit(.minutes(3)))
struct NucosClientTests {
    @Test("events go both ways, whole and in order", arguments: BackendKind.testable)
    func events(_ backend: BackendKind) async throws {
        try await withExchange(backend) { exchange in
            let inbound = exchange.server.events()
            let client = try exchange.client()
            let outbound = client.events("news")
            try await client.start()
            let large = String(repeating: "0123456789abcdef", count: 40_000)
            let contents: [Payload] = [.json("[1, 2.5, null]"), .text("h\u{E9} _EOM_ \u{1F514}"), .jsonString(large)]
            for content in contents {
                let result = await client.send(event: "up", content: content)
                #expect(result == .sent)
            }
            var iterator = inbound.makeAsyncIterator()
            for content in contents {
                guard case .element(let event) = try await iterator.next() else { break }
                #expect(event.event == "up")
                #expect(event.content.jsonString == content.jsonString)
            }
            await exchange.server.sendAll(event: "other", content: .json("0"))
            for number in 0..<500 { await exchange.server.sendAll(event: "news", content: .json("\(number)")) }
            #expect(try await take(500, from: outbound) == (0..<500).map { "\($0)" })
            await client.close()
        }
    }

    @Test("a client signs, and is known by its uid", arguments: BackendKind.testable)
    func handshake(_ backend: BackendKind) async throws {
        try await withExchange(backend, authenticates: true) { exchange in
            let thanks = exchange.server.events()
            let client = try exchange.client("anna")
            let direct = client.events("direct")
            try await client.start()
            #expect(await client.isConnected)
            let early = await client.send(event: "early", content: .json("1"))
            #expect(early.isAccepted)
            #expect(await client.ready())
            #expect(await client.isAuthenticated)
            let session = try #require(await exchange.server.session(uid: "anna"))
            #expect(await exchange.server.isConnected(session))
            #expect(await exchange.server.ping(session))
            #expect(await client.ping())
            try await exchange.server.publish(room: "anna", event: "direct", content: .text("for anna"))
            #expect(try await take(1, from: direct) == [#""for anna""#])
            var iterator = thanks.makeAsyncIterator()
            var seen: [String] = []
            while seen.count < 2, case .element(let event) = try await iterator.next() { seen.append(event.event) }
            #expect(seen == ["thanks", "early"])
            await client.close()
        }
    }

    @Test("a client that is refused ends, and does not come back", arguments: BackendKind.testable)
    func refused(_ backend: BackendKind) async throws {
        try await withExchange(backend, authenticates: true) { exchange in
            var configuration = NucosClientConfiguration()
            configuration.reconnect = ReconnectPolicy()
            let wrong = try exchange.client("anna", configuration: configuration, signature: .jsonString("wrong"))
            let broken = try exchange.client("anna", configuration: configuration, signature: .json("no json"))
            let mute = try exchange.client("anna", configuration: configuration, signature: nil)
            let nameless = try exchange.client("", configuration: configuration)
            for client in [wrong, broken, mute, nameless] {
                let endings = Endings()
                await client.onDisconnect { await endings.add($0) }
                try await client.start()
                try await endings.wait(for: 1)
                #expect(await endings.all.map(\.code) == [.refused])
                #expect(await endings.all.map(\.willReconnect) == [false])
                #expect(await !client.isConnected)
            }
        }
    }

    @Test("challenge and signature may be plain texts", arguments: BackendKind.testable)
    func texts(_ backend: BackendKind) async throws {
        try await withExchange(backend, configure: { $0.authenticator = TextAuthenticator() }) { exchange in
            let client = try exchange.client("anna", signature: .text("\"quoted\" _EOM_"))
            try await client.start()
            #expect(await client.ready())
            #expect(await client.isAuthenticated)
            await client.close()
        }
    }

    @Test("rooms join clients; a client hears what it publishes itself", arguments: BackendKind.testable)
    func rooms(_ backend: BackendKind) async throws {
        try await withExchange(backend) { exchange in
            let one = try await exchange.started()
            let two = try await exchange.started()
            let heard = one.room("weather").messages
            let all = two.room("weather").messages(limit: 10)
            try await exchange.join(one, "weather")
            try await exchange.join(two, "weather")
            let room = try await exchange.broker.room("weather")
            try await eventually("two members") { await room.memberCount == 2 }
            await one.publish(room: "weather", event: "today", content: .text("sunny"))
            await two.room("elsewhere").publish(event: "today", content: .text("not a member"))
            #expect(try await take(1, from: all) == [#""sunny""#])
            await two.room("weather").publish(event: "today", content: .text("rain"))
            #expect(try await take(2, from: heard) == [#""sunny""#, #""rain""#])
            #expect(try await take(1, from: all) == [#""rain""#])
            await one.close()
            await two.close()
        }
    }

    @Test("callbacks of the room come first, then those of the event, in order", arguments: BackendKind.testable)
    func callbacks(_ backend: BackendKind) async throws {
        try await withExchange(backend) { exchange in
            let client = try exchange.client()
            let notes = Notes()
            await client.onConnect { await notes.add("connected") }
            await client.onDisconnect { await notes.add("\($0.code)") }
            await client.on(event: "today") { await notes.add("event \($0.text)") }
            await client.on(event: "all") { await notes.add("all \($0.text)") }
            await client.on(event: "tomorrow") { _ in await notes.add("never") }
            await client.on(room: "weather", event: "all") { await notes.add("room all \($0.text)") }
            await client.on(room: "weather", event: "today") { await notes.add("room event \($0.text)") }
            await client.on(room: "weather") { await notes.add("room \($0.text)") }
            await client.on(room: "sports") { _ in await notes.add("never") }
            try await client.start()
            try await exchange.join(client, "weather")
            await client.publish(room: "weather", event: "today", content: .json("1"))
            await client.publish(room: "weather", event: "all", content: .json("2"))
            try await notes.wait(for: 9)
            await exchange.server.sendAll(event: "today", content: .json("3"))
            try await notes.wait(for: 11)
            await client.close()
            try await notes.wait(for: 12)
            #expect(
                await notes.all == [
                    "connected", "room all 1", "room event 1", "room 1", "event 1", "all 1", "room all 2", "room 2",
                    "all 2", "event 3", "all 3", "closed",
                ]
            )
        }
    }

    @Test("a client that was closed refuses, and starts again", arguments: BackendKind.testable)
    func restart(_ backend: BackendKind) async throws {
        try await withExchange(backend) { exchange in
            let client = try exchange.client()
            #expect(await client.send(event: "e", content: .json("1")) == .refused)
            #expect(await !client.ping())
            for _ in 0..<3 {
                let messages = client.room("weather").messages
                try await client.start()
                try await client.start()
                try await exchange.join(client, "weather")
                await client.publish(room: "weather", event: "e", content: .json("1"))
                #expect(try await take(1, from: messages) == ["1"])
                #expect(await client.send(event: "e", content: .json("{")) == .refused)
                await client.close()
                await client.close()
                #expect(try await take(1, from: messages) == [])
                #expect(await !client.isConnected)
                #expect(await client.send(event: "e", content: .json("1")) == .refused)
            }
        }
    }

    @Test("nobody to connect to is an error", arguments: BackendKind.testable)
    func nobody(_ backend: BackendKind) async throws {
        try await withExchange(backend) { exchange in
            await exchange.server.close()
            // The kernel lets go of a ring's listener a moment later; until then it lets clients wait there.
            try await eventually("nobody lets clients in") {
                let client = try exchange.client()
                do {
                    try await client.start()
                    await client.close()
                    return false
                } catch is IOError {
                    #expect(await !client.isConnected)
                    return true
                }
            }
            try await exchange.server.start()
        }
    }

    @Test(
        "a server that closes is answered, and the client's sequences end with the reason",
        arguments: BackendKind.testable
    )
    func serverCloses(_ backend: BackendKind) async throws {
        try await withExchange(backend) { exchange in
            let client = try await exchange.started()
            let events = client.events()
            let endings = Endings()
            await client.onDisconnect { await endings.add($0) }
            await exchange.server.close()
            try await endings.wait(for: 1)
            #expect(await endings.all.map(\.code) == [.closedByServer])
            let error = await #expect(throws: QueueError.self) {
                for try await _ in events {}
            }
            #expect((error?.cause as? NucosDisconnection)?.code == .closedByServer)
        }
    }

    @Test("the later of two clients with one uid has the name", arguments: BackendKind.testable)
    func twins(_ backend: BackendKind) async throws {
        try await withExchange(backend, authenticates: true) { exchange in
            let first = try exchange.client("twin")
            let endings = Endings()
            await first.onDisconnect { await endings.add($0) }
            try await first.start()
            #expect(await first.ready())
            let second = try await exchange.started("twin")
            try await endings.wait(for: 1)
            #expect(await endings.all.map(\.code) == [.closedByServer])
            #expect(await second.isConnected)
            await second.close()
        }
    }

    @Test("a client with a policy comes back and is in its rooms again", arguments: BackendKind.testable)
    func reconnect(_ backend: BackendKind) async throws {
        try await withExchange(backend, authenticates: true) { exchange in
            var configuration = NucosClientConfiguration()
            var policy = ReconnectPolicy()
            policy.firstPause = .milliseconds(5)
            configuration.reconnect = policy
            let client = try exchange.client("anna", configuration: configuration)
            let notes = Notes()
            await client.onConnect { await notes.add("connected") }
            await client.onDisconnect { await notes.add("lost, back soon: \($0.willReconnect)") }
            let messages = client.room("weather").messages
            try await client.start()
            try await notes.wait(for: 1)
            for round in 1...3 {
                let session = try #require(await exchange.server.session(uid: "anna"))
                await exchange.broker.session(session)?.close()
                try await notes.wait(for: 1 + 2 * round)
                try await exchange.join(client, "weather")
                let text = "\(round)"
                await client.publish(room: "weather", event: "e", content: .json(text))
                #expect(try await take(1, from: messages) == [text])
            }
            await client.close()
            try await notes.wait(for: 8)
            let back = ["lost, back soon: true", "connected"]
            #expect(await notes.all == ["connected"] + back + back + back + ["lost, back soon: false"])
        }
    }

    @Test("a client that nobody holds any more is gone", arguments: BackendKind.testable)
    func dropped(_ backend: BackendKind) async throws {
        try await withExchange(backend, authenticates: true) { exchange in
            do {
                let client = try await exchange.started("anna")
                await client.on(event: "all") { _ in }
                #expect(await exchange.server.session(uid: "anna") != nil)
            }
            try await eventually("nobody") { await exchange.broker.sessions.isEmpty }
        }
    }
}

/// Asks in plain text.
private struct TextAuthenticator: NucosAuthenticator {
    func challenge(for uid: String) async throws -> Payload { .text("who is \(uid)?") }

    func verify(uid: String, signature: Payload, challenge: Payload) async throws -> Bool {
        signature.jsonString == "\"quoted\" _EOM_" && challenge.jsonString == "who is anna?"
    }
}
