// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryJSON
import BelfryTesting
import Testing

@testable import BelfryNucosMQ

@Suite("NucosClient, resuming", .timeLimit(.minutes(3)))
struct NucosResumeTests {
    private var configuration: NucosClientConfiguration {
        var configuration = NucosClientConfiguration()
        var policy = ReconnectPolicy()
        policy.firstPause = .milliseconds(5)
        configuration.reconnect = policy
        return configuration
    }

    private func breakLinks(_ exchange: Exchange) async {
        for session in await exchange.broker.sessions { await session.close() }
    }

    @Test(
        "what was published while a client was away comes when it is back, once, in order",
        arguments: BackendKind.testable
    )
    func resume(_ backend: BackendKind) async throws {
        try await withExchange(backend) { exchange in
            let client = try await exchange.started(configuration: configuration)
            let heard = client.room("weather").messages
            try await exchange.join(client, "weather")
            let room = try await exchange.broker.room("weather")
            for round in 0..<5 {
                await breakLinks(exchange)
                for number in 0..<20 { try await room.publish(event: "e", .json("\(round * 20 + number)")) }
                try await eventually("the client is back") { await room.memberCount == 1 }
            }
            #expect(try await take(100, from: heard) == (0..<100).map(String.init))
            await client.close()
        }
    }

    @Test("what is not kept any more is announced as a gap", arguments: BackendKind.testable)
    func gap(_ backend: BackendKind) async throws {
        try await withExchange(backend) { exchange in
            let client = try await exchange.started(configuration: configuration)
            let heard = client.room("weather").messages
            try await exchange.join(client, "weather")
            let room = try await exchange.broker.room("weather")
            try await room.publish(event: "e", .json("0"))
            #expect(try await take(1, from: heard) == ["0"])
            await exchange.server.close()
            for number in 1...1_500 { try await room.publish(event: "e", .json("\(number)")) }
            let again = NucosServer(broker: exchange.broker, configuration: .init(address: exchange.address))
            _ = try await again.start()
            let found = try await take(1_001, from: heard)
            #expect(found.first == #"{"from": 1, "to": 501}"#)
            #expect(Array(found.dropFirst()) == (501...1_500).map(String.init))
            await client.close()
        }
    }

    @Test("a client that does not ask, and one that asks, hear the same room", arguments: BackendKind.testable)
    func both(_ backend: BackendKind) async throws {
        try await withExchange(backend) { exchange in
            let plain = try await exchange.started()
            let asking = try await exchange.started(configuration: configuration)
            let (first, second) = (plain.room("weather").messages, asking.room("weather").messages)
            try await exchange.join(plain, "weather")
            try await exchange.join(asking, "weather")
            for number in 0..<50 {
                await plain.publish(room: "weather", event: "e", content: .json("\(number)"))
                await asking.publish(room: "weather", event: "e", content: .json("\(number)"))
            }
            let numbers = (0..<50).flatMap { ["\($0)", "\($0)"] }
            #expect(try await take(100, from: first).sorted() == numbers.sorted())
            #expect(try await take(100, from: second).sorted() == numbers.sorted())
            await plain.close()
            await asking.close()
        }
    }

    @Test("another member can't say what only the server says", arguments: BackendKind.testable)
    func forged(_ backend: BackendKind) async throws {
        try await withExchange(backend) { exchange in
            let client = try await exchange.started(configuration: configuration)
            let heard = client.room("weather").messages
            try await exchange.join(client, "weather")
            let forger = try await exchange.started()
            try await exchange.join(forger, "weather")
            let word = #"{"next": "1.999999", "recovered": true, "lost": 0}"#
            await forger.publish(room: "weather", event: "resume", content: .json(word))
            #expect(try await take(1, from: heard) == [word])
            await breakLinks(exchange)
            let room = try await exchange.broker.room("weather")
            try await room.publish(event: "e", .json("1"))
            #expect(try await take(1, from: heard) == ["1"])
            await client.close()
        }
    }

    @Test("the wire: a subscription with a member more, messages with their offset")
    func wire() throws {
        let text = String(decoding: NucosEncoder.subscription("we\"ather", resume: "ff.12"), as: UTF8.self)
        #expect(text == #"{"data": {"event": "subscripe", "content": "we\"ather", "resume": "ff.12"}}_EOM_"#)
        var frame: [UInt8] = []
        let format = NucosPositionedFormat()
        format.encode(room: "r", event: "e", payload: .json("[1]"), at: 7, into: &frame)
        let written = #"{"data": {"event": "e", "content": [1], "room": "r", "at": 7}}_EOM_"#
        #expect(String(decoding: frame, as: UTF8.self) == written)
        try withFrame(written) { frame, bytes in #expect(frame.offset?.string(in: bytes) == "7") }
    }
}
