// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryTesting
import BelfryWatchbox
import Testing

@Suite("Watchbox client and server", .timeLimit(.minutes(3)))
struct WatchboxClientServerTests {
    private static let setups = BackendKind.testable.map { LoopSetup($0, loops: 2) }

    private func client(_ server: RunningWatchbox) throws -> WatchboxClient {
        var configuration = WatchboxClient.Configuration()
        configuration.retryInterval = .milliseconds(1)
        return try WatchboxClient(
            "http://\(server.address)",
            configuration: configuration,
            group: server.broker.group,
            logger: .silent
        )
    }

    private func joined(_ group: String, _ server: RunningWatchbox, count: Int = 1) async throws {
        try await eventually("a member of \(group)") {
            server.lines.texts.count { $0.contains("joined group '\(group)'") } == count
        }
    }

    @Test("clients of a group hear each other and the server, in order", arguments: setups)
    func talk(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup) { server in
            let (first, second) = (try client(server), try client(server))
            let (messages, others) = (first.join("foo"), second.join("foo"))
            try await joined("foo", server, count: 2)
            for number in 0..<40 { try await second.publish(.json("\(number)"), to: "foo") }
            #expect(try await take(40, from: messages) == (0..<40).map { "\($0)" })
            server.watchbox.publish(.json(#"{"a":"é+ %41 & =☃"}"#), to: "foo")
            #expect(try await take(1, from: messages) == [#"{"a":"é+ %41 & =☃"}"#])
            // A sender does not get its own messages.
            #expect(try await take(1, from: others) == [#"{"a":"é+ %41 & =☃"}"#])
            await first.close()
            await second.close()
        }
    }

    @Test("one client is in several groups, and each message comes in its own", arguments: setups)
    func groups(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup) { server in
            let client = try client(server)
            let names = (0..<10).map { "group \($0) é" }
            let all = names.map { client.join($0) }
            for name in names { try await joined(name, server) }
            for round in 0..<20 {
                for name in names { server.watchbox.publish(.text("\(name) \(round)"), to: name) }
            }
            for (name, messages) in zip(names, all) {
                #expect(try await take(20, from: messages) == (0..<20).map { "\(name) \($0)" })
            }
            await client.close()
        }
    }

    @Test("the server's application is spoken to, and answers", arguments: setups)
    func application(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup) { server in
            let client = try client(server)
            let replies = client.replies
            try await joined("server", server)
            let unheard = try await client.send("anyone?")
            #expect(unheard == .noHandler)
            server.watchbox.onMessage { message in message.reply(.text("got \(message.message.text)")) }
            let answer = try await client.send(.json("[1,2]"))
            #expect(answer == .taken)
            #expect(try await take(1, from: replies) == ["got [1,2]"])
            await client.close()
        }
    }
}
