// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

@testable import Belfry

@Suite(.timeLimit(.minutes(3)))
struct SessionTests {
    @Test("the broker lists its sessions, with who they are and where", arguments: LoopSetup.all)
    func list(setup: LoopSetup) async throws {
        try await withBroker(setup) { test in
            var clients: [TestClient] = []
            for number in 0..<6 {
                let client = try await test.connect()
                try await client.send("ID client\(number)\nJOIN a\nJOIN b\(number)\nSAY on")
                try await client.skip(to: "= on")
                clients.append(client)
            }
            let sessions = await test.broker.sessions
            #expect(sessions.count == 6)
            var names: Set<String> = []
            for session in sessions {
                let name = try #require(await session.identity)
                names.insert(name)
                #expect(session.frontEnd == "line")
                #expect(session.peer?.host == "127.0.0.1")
                #expect(await session.state == .open)
                #expect(await session.rooms.sorted() == ["a", "b\(name.suffix(1))"])
                let same = await test.broker.session(session.id)
                #expect(same === session)
                #expect(await session.send(event: "hello", .text(name)))
            }
            #expect(names.count == 6)
            for (number, client) in clients.enumerated() {
                #expect(await client.line() == "> hello client\(number)")
            }
            await sessions[0].close()
            await sessions[0].close()
            try await eventually("it is closed") { await sessions[0].state == .closed }
            #expect(await sessions[0].rooms.isEmpty)
            #expect(await !sessions[0].send(event: "late", .text("")))
            #expect(await test.broker.session(sessions[0].id) == nil)
            #expect(await test.broker.session(SessionID(.max)) == nil)
            for try await _ in await sessions[0].messages() { Issue.record("a closed session said something") }
        }
    }

    @Test("a session's messages come in order to every reader, and end with it", arguments: LoopSetup.all)
    func messages(setup: LoopSetup) async throws {
        try await withBroker(setup) { test in
            let client = try await test.join("any")
            let session = try #require(await test.broker.sessions.first)
            let queues = [await session.messages(), await session.messages(limit: 3)]
            let readers = queues.map { queue in
                Task { () throws -> [String] in
                    var found: [String] = []
                    for try await case .element(let message) in queue {
                        found.append("\(message.event) \(message.payload.text)")
                    }
                    return found
                }
            }
            for number in 0..<1_000 { try await client.send("EVT e \(number)") }
            try await client.send("QUIT")
            for reader in readers { #expect(try await reader.value == (0..<1_000).map { "e \($0)" }) }
        }
    }

    @Test("a reader that does not read holds its client back; memory stays bounded", arguments: BackendKind.testable)
    func holdsBack(backend: BackendKind) async throws {
        try await withBroker(LoopSetup(backend, loops: 2), listener: .unix) { test in
            let client = try await test.join("any")
            let session = try #require(await test.broker.sessions.first)
            let queue = await session.messages(limit: 200)
            let line = Array("EVT e \(String(repeating: "x", count: 1_000))\n".utf8)
            try await client.send((0..<10_000).flatMap { _ in line })
            try await eventually("the queue is full") { queue.statistics.currentCount == 200 }
            // Nothing says that a client sends no more but that its bytes stay where they are.
            var before: UInt64 = 0
            try await eventually("it is held") {
                defer { before = test.broker.statistics.receivedBytes }
                return before == test.broker.statistics.receivedBytes
            }
            #expect(test.broker.statistics.receivedBytes < 2_000_000)
            var count = 0
            for try await case .element in queue {
                count += 1
                if count == 10_000 { break }
            }
            #expect(count == 10_000)
        }
    }
}
