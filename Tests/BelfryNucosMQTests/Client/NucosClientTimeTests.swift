// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryNucosMQ
import BelfryTesting
import Logging
import Testing

/// On a virtual clock: nothing waits, and times are exact.
@Suite("NucosClient, its times", .timeLimit(.minutes(3)))
struct NucosClientTimeTests {
    /// Runs `body` with a scripted server and a client on one simulated loop.
    private func withPair(
        uid: String = "",
        configuration: NucosClientConfiguration = .init(),
        signer: NucosClient.Signer? = nil,
        _ body: (ScriptedServer, NucosClient, Endings) async throws -> Void
    ) async throws {
        let group = try EventLoopGroup(.simulated(seed: 1), count: 1, logger: .silent)
        let server = ScriptedServer(on: group.loops[0])
        let client = try NucosClient(
            host: "127.0.0.1",
            port: await server.start(),
            uid: uid,
            configuration: configuration,
            group: group,
            logger: .silent,
            onChallenge: signer
        )
        let endings = Endings()
        await client.onDisconnect { await endings.add($0) }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(server, client, endings))
        } catch {
            result = .failure(error)
        }
        await group.shutDown()
        try result.get()
    }

    private static let second: Int64 = 1_000_000_000

    @Test("an idle connection is asked after a minute, and closed ten seconds later without an answer")
    func idle() async throws {
        try await withPair { server, client, endings in
            try await client.start()
            try await endings.wait(for: 1)
            #expect(await endings.all.first?.code == .timedOut)
            try await eventually("the last word") { await server.heard.count == 2 }
            let heard = await server.heard
            #expect(heard.map(\.text) == [text("ping", #""""#), text("shutdown", #""now""#)])
            #expect((60 * Self.second..<61 * Self.second).contains(heard[0].time))
            #expect((70 * Self.second..<71 * Self.second).contains(heard[1].time))
            #expect(await !client.isConnected)
        }
    }

    @Test("an answer keeps an idle connection, time after time")
    func pongs() async throws {
        try await withPair { server, client, endings in
            await server.answer(#""ping""#, message("pong", #""""#))
            try await client.start(timeout: .seconds(30))
            try await eventually("three pings") { await server.heard.count >= 3 }
            let times = await server.heard.prefix(3).map { $0.time / Self.second }
            #expect(times == [30, 60, 90])
            #expect(await endings.all.isEmpty)
        }
    }

    @Test("a server that stops in the middle of the handshake is left after five seconds")
    func steps() async throws {
        try await withPair(uid: "anna", signer: { $0 }) { server, client, endings in
            await server.greet(message("start_auth", #""""#))
            try await client.start()
            try await endings.wait(for: 1)
            #expect(await endings.all.first?.code == .timedOut)
            #expect(await server.texts == [text("uid", #""anna""#)])
            try await eventually("the end") { await server.ends == 1 }
        }
    }

    @Test("what is sent waits 0.2 s for a handshake that does not come, then leaves in order")
    func hold() async throws {
        try await withPair(uid: "anna", signer: { $0 }) { server, client, _ in
            let queued = await client.subscribe("weather")
            #expect(queued == .queued)
            // From the loop, where no time passes between starting and sending.
            let results = try await server.onLoop {
                try await client.start()
                var results: [NucosSendResult] = []
                for number in 0..<3 { results.append(await client.send(event: "n", content: .json("\(number)"))) }
                return results
            }
            #expect(results == [.queued, .queued, .queued])
            try await eventually("the messages") { await server.heard.count >= 4 }
            let heard = await server.heard.prefix(4)
            #expect(
                heard.map(\.text)
                    == [text("subscripe", #""weather""#)] + (0..<3).map { text("n", "\($0)") }
            )
            #expect(heard.allSatisfy { $0.time >= Self.second / 5 })
            #expect((heard.first?.time ?? 0) < Self.second / 4)
            #expect(await !client.isAuthenticated)
        }
    }

    @Test("a server that does not confirm the shutdown is left after a second")
    func close() async throws {
        try await withPair { server, client, endings in
            try await client.start()
            await client.close()
            try await endings.wait(for: 1)
            #expect(await endings.all.first?.code == .closed)
            #expect(await server.texts == [text("shutdown", #""now""#)])
        }
    }

    @Test("the pauses before coming back grow, and an end of them is told")
    func reconnects() async throws {
        var configuration = NucosClientConfiguration()
        var policy = ReconnectPolicy()
        policy.jitter = 0
        policy.maxAttempts = 3
        configuration.reconnect = policy
        try await withPair(configuration: configuration) { server, client, endings in
            let sequence = client.events()
            try await client.start()
            await server.stopListening()
            await server.drop()
            try await endings.wait(for: 2)
            #expect(await endings.all.map(\.willReconnect) == [true, false])
            await #expect(throws: QueueError.self) {
                for try await _ in sequence {}
            }
            #expect(await !client.isConnected)
        }
    }
}

/// The disconnections that a client told of.
actor Endings {
    private(set) var all: [NucosDisconnection] = []

    func add(_ disconnection: NucosDisconnection) { all.append(disconnection) }

    func wait(for count: Int) async throws {
        try await eventually("\(count) disconnections") { self.all.count >= count }
    }
}

/// A message without its terminator.
private func text(_ event: String, _ content: String) -> String { String(message(event, content).dropLast(5)) }

extension Logger {
    /// Says nothing.
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
