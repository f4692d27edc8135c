// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryTesting
import Testing

@testable import BelfryMissionCommander

/// Clients and servers with a line between them that is cut.
@Suite("Clients that resume", .timeLimit(.minutes(3)))
struct ClientResumeTests {
    /// A connected client behind a line, and what it gets from the beginning.
    private struct Remote {
        let id: String
        let client: Client
        let line: CuttableLine
        let messages: Queue<BelfryMissionCommander.Message>

        init(
            _ server: Server,
            _ backend: BackendKind,
            as id: String = "me",
            configure: (inout Client.Configuration) -> Void = { _ in }
        ) async throws {
            self.id = id
            var configuration = Client.Configuration()
            configuration.reconnectSpread = .zero
            configure(&configuration)
            client = try Client(reconnect: .quick, io: backend.choice, configuration: configuration, logger: .quiet)
            line = try await CuttableLine(to: server.address)
            messages = client.messages(limit: 10_000)
            try await client.setAddress(line.address.host)
            try await client.setPort(line.address.port.map { Int($0) })
            try await client.setClientID(id)
            _ = try await client.connect()
            try await comesBack(to: server)
        }

        /// Waits until the server has let the client in.
        func comesBack(to server: Server) async throws {
            try await eventually("the client is in") { await server.knownIDs[id] == true }
        }

        /// Breaks the link for some time.
        func goesAway(from server: Server) async throws {
            await line.lead(to: nil)
            await line.cut()
            try await server.untilAway(id)
        }

        /// The next messages, as `subject body`.
        func take(_ count: Int) async throws -> [String] {
            var found: [String] = []
            guard count > 0 else { return found }
            for try await case .element(let message) in messages {
                found.append("\(message.subject) \(message.body.text)")
                if found.count == count { break }
            }
            return found
        }
    }

    private func withRemote(
        _ setup: LoopSetup,
        client configureClient: (inout Client.Configuration) -> Void = { _ in },
        configure: (inout Server.Configuration) -> Void = { _ in },
        broker: (inout BrokerConfiguration) -> Void = { _ in },
        _ body: (Remote, Server, Broker) async throws -> Void
    ) async throws {
        try await withServer(setup, configure: configure, broker: broker) { server, broker in
            let remote = try await Remote(server, setup.backend, configure: configureClient)
            do {
                try await body(remote, server, broker)
            } catch {
                await remote.client.shutDown()
                throw error
            }
            await remote.client.shutDown()
        }
    }

    private func number(_ number: Int, _ subject: String = "n") -> String { "\(subject) {\"n\": \(number)}" }

    @Test(
        "links that are cut again and again, with what is under way on them: nothing is lost, doubled or out of order",
        arguments: LoopSetup.all
    )
    func cuts(_ setup: LoopSetup) async throws {
        try await withRemote(setup) { remote, server, _ in
            let count = 1_500
            let publishing = Task {
                for number in 0..<count {
                    try await server.send(number, to: .all)
                    // Spread over the cuts.
                    if number % 10 == 9 { try await Task.sleep(for: .milliseconds(1)) }
                }
            }
            for round in 0..<25 {
                try await eventually("the line stands") { await remote.line.connections > 0 }
                if round % 2 == 0 {
                    let before = await remote.line.swallowed
                    await remote.line.swallow()
                    // While somebody still publishes.
                    try await eventually("something is under way") {
                        let isOver = await server.statistics.connected == 1 && round > 20
                        return await remote.line.swallowed > before || isOver
                    }
                }
                await remote.line.cut()
            }
            try await publishing.value
            let seen = try await remote.take(count)
            #expect(seen == (0..<count).map { number($0) })
            #expect(await remote.line.swallowed > 0)
            #expect(await server.statistics.lost == 0)
        }
    }

    @Test("what went to one and to all keeps its order across a cut", arguments: LoopSetup.all)
    func order(_ setup: LoopSetup) async throws {
        try await withRemote(setup) { remote, server, _ in
            for round in 0..<4 {
                var expected: [String] = []
                await remote.line.swallow()
                let swallowed = await remote.line.swallowed
                for index in 0..<5 {
                    try await server.send(round * 100 + index, to: .all)
                    expected.append(number(round * 100 + index))
                }
                try await eventually("it is under way") { await remote.line.swallowed > swallowed }
                try await remote.goesAway(from: server)
                for index in 5..<15 {
                    let value = round * 100 + index
                    try await server.send(value, to: "me", as: "one")
                    try await server.send(value, to: .all)
                    expected += [number(value, "one"), number(value)]
                }
                await remote.line.lead(to: server.address)
                try await remote.comesBack(to: server)
                try await server.send(round * 100 + 15, to: "me", as: "one")
                expected.append(number(round * 100 + 15, "one"))
                #expect(try await remote.take(expected.count) == expected)
            }
        }
    }

    @Test("what is not kept any more is announced as a gap, and counted", arguments: BackendKind.testable)
    func gap(_ backend: BackendKind) async throws {
        try await withRemote(
            LoopSetup(backend, loops: 2),
            configure: { $0.maxQueuedMessages = 10 },
            broker: { $0.resumeHistory.messages = 5 }
        ) { remote, server, _ in
            try await server.send(0, to: .all)
            #expect(try await remote.take(1) == [number(0)])
            try await remote.goesAway(from: server)
            for number in 1...50 { try await server.send(number, to: .all) }
            for number in 1...12 { try await server.send(number, to: "me", as: "one") }
            await remote.line.lead(to: server.address)
            let expected =
                [#"gap {"from": 1, "to": 41, "lost": 40}"#, #"gap {"lost": 2}"#]
                + (41...50).map { number($0) } + (3...12).map { number($0, "one") }
            #expect(try await remote.take(expected.count) == expected)
            #expect(await server.statistics.lost == 42)
        }
    }

    @Test(
        "a restart with a history file, on another port, loses nothing",
        arguments: LoopSetup.all.filter { $0.loops < 4 }
    )
    func restart(_ setup: LoopSetup) async throws {
        let file = try HistoryFile()
        var remote: Remote?
        try await withServer(setup, broker: { $0.store = file.store() }) { server, _ in
            let remote_ = try await Remote(server, setup.backend)
            remote = remote_
            for number in 0..<40 { try await server.send(number, to: .all) }
            #expect(try await remote_.take(40) == (0..<40).map { number($0) })
            await remote_.line.swallow()
            for number in 40..<50 { try await server.send(number, to: .all) }
            try await eventually("it is under way") { await remote_.line.swallowed > 0 }
            try await remote_.goesAway(from: server)
            for number in 50..<400 { try await server.send(number, to: .all) }
        }
        let found = try #require(remote)
        try await withServer(setup, broker: { $0.store = file.store() }) { server, _ in
            for number in 400..<700 { try await server.send(number, to: .all) }
            await found.line.lead(to: server.address)
            try await found.comesBack(to: server)
            try await server.send(700, to: "me", as: "one")
            try await server.send(700, to: .all)
            let expected = (40..<700).map { number($0) } + [number(700, "one"), number(700)]
            #expect(try await found.take(expected.count) == expected)
            #expect(await server.statistics.lost == 0)
        }
        await found.client.shutDown()
    }

    @Test(
        "after a restart without history the loss is announced, and the client goes on",
        arguments: BackendKind.testable
    )
    func newEpoch(_ backend: BackendKind) async throws {
        let setup = LoopSetup(backend, loops: 1)
        var remote: Remote?
        try await withServer(setup) { server, _ in
            let remote_ = try await Remote(server, backend)
            remote = remote_
            for number in 0..<5 { try await server.send(number, to: .all) }
            #expect(try await remote_.take(5).last == number(4))
            try await remote_.goesAway(from: server)
        }
        let found = try #require(remote)
        try await withServer(setup) { server, _ in
            await found.line.lead(to: server.address)
            try await found.comesBack(to: server)
            try await server.send(5, to: .all)
            #expect(try await found.take(2) == [#"gap {"from": null, "to": null, "lost": null}"#, number(5)])
            // And from there on in the new order.
            try await found.goesAway(from: server)
            try await server.send(6, to: .all)
            await found.line.lead(to: server.address)
            #expect(try await found.take(1) == [number(6)])
        }
        await found.client.shutDown()
    }

    @Test("nobody else can say what only the server says", arguments: LoopSetup.all)
    func forged(_ setup: LoopSetup) async throws {
        try await withRemote(setup, configure: { $0.publishesClientMessages = true }) { remote, server, broker in
            let word = #"{"next": "1.999999", "recovered": true, "lost": 0}"#
            let room = try await broker.room("missioncommander")
            let forger = try await server.join("forger")
            for subject in ["resume", "at", "gap"] {
                // Another protocol, the server's application, and a client with a header of its own making.
                try await room.publish(event: subject, .json(word))
                try await server.send(to: "me", Message(subject: subject, payload: .json(word)))
                #expect(try await remote.take(2) == ["\(subject) \(word)", "\(subject) \(word)"])
                for mark in [#""own":true"#, #""own":true,"at":9"#, #""at":999"#] {
                    let head = header(#"{"length":\#(word.utf8.count),"subject":"\#(subject)",\#(mark)}"#)
                    #expect(head.count == 64)
                    try await forger.send(head + Array(word.utf8))
                    #expect(try await remote.take(1) == ["\(subject) \(word)"])
                }
            }
            try await remote.goesAway(from: server)
            try await server.send(1, to: .all)
            await remote.line.lead(to: server.address)
            #expect(try await remote.take(1) == [number(1)])
        }
    }

    @Test(
        "a client that resumes, one that does not and one of the original's kind hear the same",
        arguments: LoopSetup.all
    )
    func sameRoom(_ setup: LoopSetup) async throws {
        try await withRemote(setup) { remote, server, broker in
            let original = try await server.join("original")
            let plain = try await Remote(server, setup.backend, as: "plain") { $0.resumes = false }
            let room = try await broker.room("missioncommander")
            // Short and long subjects, and what no header can carry.
            let subjects = [
                "a", String(repeating: "b", count: 34), String(repeating: "c", count: 39), "grüße", "shutdown",
            ]
            var expected: [SeenFrame] = []
            for subject in subjects {
                try await room.publish(event: subject, .json("{}"))
                expected.append(
                    subject == "shutdown"
                        ? .frame(subject: "message", value: #"{"event": "shutdown", "content": {}}"#)
                        : .frame(subject: subject, value: "{}")
                )
            }
            #expect(await original.frames(subjects.count) == expected)
            let seen = try await remote.take(subjects.count)
            #expect(seen.last == #"message {"event": "shutdown", "content": {}}"#)
            #expect(seen.dropLast() == subjects.dropLast().map { "\($0) {}" }[...])
            #expect(try await plain.take(subjects.count) == seen)
            // Those that were announced in a frame of their own count as well.
            try await remote.goesAway(from: server)
            try await server.send(1, to: .all)
            await remote.line.lead(to: server.address)
            #expect(try await remote.take(1) == [number(1)])
            await plain.client.shutDown()
        }
    }

    @Test("a client that left on purpose begins afresh", arguments: BackendKind.testable)
    func afresh(_ backend: BackendKind) async throws {
        try await withRemote(LoopSetup(backend, loops: 2)) { remote, server, _ in
            try await server.send(0, to: .all)
            #expect(try await remote.take(1) == [number(0)])
            #expect(try await remote.client.disconnect())
            try await eventually("it is forgotten") { await server.knownIDs.isEmpty }
            try await server.send(1, to: .all)
            _ = try await remote.client.connect()
            try await remote.comesBack(to: server)
            try await server.send(2, to: .all)
            #expect(try await remote.take(1) == [number(2)])
        }
    }
}
