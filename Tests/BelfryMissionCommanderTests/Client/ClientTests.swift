// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryTesting
import Logging
import Testing

@testable import BelfryMissionCommander

@Suite("A client against a server by hand", .timeLimit(.minutes(3)))
struct ClientTests {
    @Test("a session from connecting to disconnecting", arguments: BackendKind.testable)
    func session(_ backend: BackendKind) async throws {
        try await withRawServer(backend, configure: { $0.resumes = false }) { bench, server, watched in
            let client = watched.client
            #expect(await client.state.rawValue == 8)
            try await client.setClientID("Id0123456789abcd")
            #expect(try await client.connect())
            #expect(await client.state.rawValue == 38)
            try await bench.until("the negotiation") {
                server.side.allBytes.count == GoldenFrame.negotiation.bytes.count
            }
            #expect(server.side.allBytes == GoldenFrame.negotiation.bytes)
            #expect(server.side.sizes == [90])
            #expect(try await !client.connect())
            server.send(GoldenFrame.stream)
            #expect(
                try await watched.events(5) == [
                    .connect(id: "Id0123456789abcd"),
                    .message(try Message(subject: "negotiation", payload: .json(#"{"id": "Id0123456789abcd"}"#))),
                    .message(try Message(subject: "echo", payload: .json(#"{"message": "hello!"}"#))),
                    .message(try Message(subject: "uni", payload: .json(GoldenFrame.unicode.body))),
                    .message(try Message(subject: GoldenFrame.longest.subject)),
                ]
            )
            // The last one was `shutdown`.
            #expect(try await watched.events(1) == [.serverShutdown])
            #expect(try await watched.states(to: 10) == [22, 38, 10])

            #expect(try await client.connect())
            try await bench.until("two connections") { server.side.accepted.count == 2 }
            let goodbye = Task { try await client.disconnect() }
            try await bench.until("the end") { server.side.ended.contains(server.newest) }
            #expect(server.frames == [#"negotiation {"id": "Id0123456789abcd"}"#, "shutdown {}"])
            bench.loop.close(server.newest)
            #expect(try await goodbye.value)
            #expect(try await watched.events(2) == [.connect(id: "Id0123456789abcd"), .disconnect])
            #expect(try await watched.states(to: 10) == [22, 38, 518, 10])
            #expect(try await !client.disconnect())
            #expect(await client.state.rawValue == 10)
        }
    }

    @Test("a client whose goodbye the server ignores ends all the same", arguments: BackendKind.testable)
    func ignoredGoodbye(_ backend: BackendKind) async throws {
        try await withRawServer(backend, configure: { $0.closeGrace = .milliseconds(20) }) { bench, server, watched in
            #expect(try await watched.client.connect())
            #expect(try await watched.client.disconnect())
            try await bench.until("a goodbye") { server.frames.last == "shutdown {}" }
            #expect(try await watched.states(to: 10) == [22, 38, 518, 10])
        }
    }

    @Test("a server that does not read makes the goodbye fail", arguments: BackendKind.testable)
    func unreadGoodbye(_ backend: BackendKind) async throws {
        try await withRawServer(backend) { configuration in
            configuration.flushTimeout = .milliseconds(50)
            configuration.maxQueuedBytes = 64 << 20
        } _: { _, server, watched in
            server.side.onAccept = { _ in }
            let client = watched.client
            #expect(try await client.connect())
            // Far more than the kernel's buffers of both ends take.
            let big = try Message(
                subject: "big",
                payload: .json(#"{"x": "\#(String(repeating: "x", count: 1 << 20))"}"#)
            )
            for _ in 0..<20 { #expect(try await client.send(big)) }
            #expect(try await !client.disconnect())
            #expect(try await watched.states(to: 3080) == [22, 38, 518, 3080])
        }
    }

    @Test("a refused client that may not come back says so", arguments: BackendKind.testable)
    func refused(_ backend: BackendKind) async throws {
        try await withRawServer(backend, attemptReconnect: false) { bench, server, watched in
            try await server.kill(bench)
            #expect(try await !watched.client.connect())
            #expect(try await watched.states(to: 72) == [22, 72])
            try server.restart()
            #expect(try await watched.client.connect())
            #expect(try await watched.events(1) == [.connect(id: "me")])
        }
    }

    @Test("a refused client that may come back connects later", arguments: BackendKind.testable)
    func refusedAtFirst(_ backend: BackendKind) async throws {
        try await withRawServer(backend) { bench, server, watched in
            try await server.kill(bench)
            #expect(try await watched.client.connect())
            #expect(await watched.client.state.rawValue == 150)
            #expect(try await !watched.client.connect())
            try server.restart()
            #expect(try await watched.events(1) == [.connect(id: "me")])
            #expect(try await watched.states(to: 38) == [22, 150, 38])
        }
    }

    @Test("a server that does not answer is a failure of its own")
    func silent() async throws {
        // The clock is virtual.
        let group = try EventLoopGroup(.simulated(seed: 1), count: 1, logger: .quiet)
        let port = try await SilentServer(loop: group.loops[0]).listen()
        let client = try Client(group: group, logger: .quiet)
        try await client.setAddress("127.0.0.1")
        try await client.setPort(port)
        try await client.setClientID("me")
        let watched = WatchedClient(client)
        #expect(try await !client.connect())
        #expect(try await watched.states(to: 2120) == [22, 2120])
        await client.shutDown()
        await group.shutDown()
    }

    @Test("a broken link is mended, and the client says again who it is", arguments: BackendKind.testable)
    func reconnect(_ backend: BackendKind) async throws {
        try await withRawServer(backend) { bench, server, watched in
            #expect(try await watched.client.connect())
            for round in 1...3 {
                // This server never says where the client is.
                let resume = round == 1 ? "" : "again"
                try await bench.until("connection \(round)") {
                    server.side.accepted.count == round
                        && server.frames == [#"negotiation {"id": "me", "resume": "\#(resume)"}"#]
                }
                server.breakLinks()
            }
            #expect(
                try await watched.events(4)
                    == [.connect(id: "me"), .reconnect(id: "me"), .reconnect(id: "me"), .reconnect(id: "me")]
            )
            var states: [Int] = []
            for _ in 0..<4 { states += try await watched.states(to: 38) }
            #expect(states == [22, 38, 150, 38, 150, 38, 150, 38])
        }
    }

    @Test("a broken link that may not be mended is shown", arguments: BackendKind.testable)
    func brokenForGood(_ backend: BackendKind) async throws {
        try await withRawServer(backend, attemptReconnect: false) { bench, server, watched in
            #expect(try await watched.client.connect())
            try await bench.until("a connection") { !server.side.accepted.isEmpty }
            server.breakLinks()
            #expect(try await watched.states(to: 2056) == [22, 38, 2056])
            #expect(try await !watched.client.disconnect())
            #expect(try await watched.client.connect())
        }
    }

    @Test("switching reconnecting off ends it", arguments: BackendKind.testable)
    func switchedOff(_ backend: BackendKind) async throws {
        try await withRawServer(backend) { bench, server, watched in
            try await server.kill(bench)
            #expect(try await watched.client.connect())
            await watched.client.setAttemptReconnect(false)
            #expect(await watched.client.state.rawValue == 264)
            #expect(try await watched.states(to: 264) == [22, 150, 264])
            #expect(await watched.client.get(.attemptReconnect) == false)
        }
    }

    @Test("disconnecting ends reconnecting, and leaves it switched on", arguments: BackendKind.testable)
    func disconnectWhileReconnecting(_ backend: BackendKind) async throws {
        try await withRawServer(backend) { bench, server, watched in
            try await server.kill(bench)
            #expect(try await watched.client.connect())
            #expect(try await watched.client.disconnect())
            #expect(try await watched.states(to: 10) == [22, 150, 10])
            #expect(try await watched.events(1) == [.disconnect])
            #expect(await watched.client.attemptReconnect)
            try server.restart()
            #expect(try await watched.client.connect())
            try await bench.until("one connection") { server.side.accepted.count == 1 }
        }
    }

    @Test("a policy that gives up is obeyed", arguments: BackendKind.testable)
    func givenUp(_ backend: BackendKind) async throws {
        var policy = ReconnectPolicy.quick
        policy.maxAttempts = 3
        try await withRawServer(backend, reconnect: policy) { bench, server, watched in
            try await server.kill(bench)
            #expect(try await watched.client.connect())
            #expect(try await watched.states(to: 264) == [22, 150, 264])
        }
    }

    @Test("a client whose group is shut down in a pause gives up", arguments: BackendKind.testable)
    func loopEnded(_ backend: BackendKind) async throws {
        try await withLoop(backend) { bench in
            var policy = ReconnectPolicy()
            policy.firstPause = .seconds(3600)
            policy.maxPause = .seconds(3600)
            let server = try RawServer(bench)
            try await server.kill(bench)
            let group = try EventLoopGroup(backend.choice, count: 1, logger: .quiet)
            let client = try Client(reconnect: policy, group: group, logger: .quiet)
            try await client.setAddress(server.address.host)
            try await client.setPort(server.port)
            try await client.setClientID("me")
            let watched = WatchedClient(client)
            #expect(try await client.connect())
            #expect(try await watched.states(to: 150) == [22, 150])
            await group.shutDown()
            #expect(try await watched.states(to: 264) == [264])
        }
    }

    @Test("a cancelled connect and a cancelled disconnect end at once", arguments: BackendKind.testable)
    func cancellation(_ backend: BackendKind) async throws {
        try await withRawServer(backend, configure: { $0.closeGrace = .seconds(600) }) { bench, server, watched in
            let client = watched.client
            let connecting = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await client.connect()
            }
            connecting.cancel()
            #expect(try await !connecting.value)
            #expect(try await watched.states(to: 72) == [22, 72])
            #expect(try await client.connect())
            let leaving = Task { try await client.disconnect() }
            try await bench.until("a goodbye") { server.frames.last == "shutdown {}" }
            leaving.cancel()
            #expect(try await leaving.value)
            #expect(try await watched.states(to: 10) == [22, 38, 518, 10])
        }
    }

    @Test("a client whose loop ends says so, and connects no more", arguments: BackendKind.testable)
    func loopEnds(_ backend: BackendKind) async throws {
        try await withLoop(backend) { bench in
            let server = try RawServer(bench)
            let group = try EventLoopGroup(backend.choice, count: 1, logger: .quiet)
            var clients: [WatchedClient] = []
            for id in ["a", "b"] {
                let client = try Client(group: group, logger: .quiet)
                try await client.setAddress(server.address.host)
                try await client.setPort(id == "a" ? server.port : 1)
                try await client.setClientID(id)
                #expect(try await client.connect())
                clients.append(WatchedClient(client))
            }
            await group.shutDown()
            #expect(try await clients[0].states(to: 2056) == [2056])
            #expect(try await !clients[0].client.connect())
            #expect(await clients[0].client.state.rawValue == 72)
            // One that was on its way back gives up.
            #expect(try await clients[1].states(to: 264) == [264])
            #expect(try await !clients[1].client.disconnect())
            for watched in clients { await watched.client.shutDown() }
        }
    }
}
