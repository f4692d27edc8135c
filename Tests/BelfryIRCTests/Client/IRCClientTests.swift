// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryIRC
import BelfryTesting
import Testing

@Suite("IRC client", .timeLimit(.minutes(3)))
struct IRCClientTests {
    /// Fast, and without a pace.
    private static var configuration: IRCClient.Configuration {
        var configuration = IRCClient.Configuration()
        configuration.lineInterval = .zero
        var policy = ReconnectPolicy()
        policy.firstPause = .milliseconds(1)
        policy.maxPause = .milliseconds(20)
        configuration.reconnect = policy
        return configuration
    }

    private static func withClient(
        _ backend: BackendKind,
        _ server: ScriptedServer,
        _ configuration: IRCClient.Configuration = configuration,
        _ body: (IRCClient) async throws -> Void
    ) async throws {
        let port = try await server.start()
        try await IRCClient.withConnection(
            to: "127.0.0.1",
            port: port,
            as: .init(nickname: "belfry"),
            io: backend.choice,
            configuration: configuration,
            body
        )
        await server.stop()
    }

    private static func code(_ body: () async throws -> Void) async -> IRCError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? IRCError)?.code
        }
    }

    @Test("it is let in, joins, talks, hears, and says goodbye", arguments: BackendKind.testable)
    func conversation(_ backend: BackendKind) async throws {
        let server = try ScriptedServer()
        await server.answer("PRIVMSG #tea two", "@time=x :ann!a@host PRIVMSG #tea :hello, bélfry")
        try await Self.withClient(backend, server) { client in
            var messages = await client.messages().makeAsyncIterator()
            try await client.join("#tea")
            try await client.join("#tea")
            #expect(await client.channels == ["#tea"])
            try await client.send("one\r\nQUIT :injected\n\ntwo", to: "#tea")
            try await client.notice("three", to: "ann")
            var found: IRCMessage?
            while found == nil, case .element(let message) = try await messages.next() {
                if message.command == "PRIVMSG" { found = message }
            }
            #expect(found?.sender == "ann" && found?.text == "hello, bélfry" && found?.tags == ["time": "x"])
            try await server.waitFor("NOTICE ann three")
            try await client.part("#tea", "good bye")
            #expect(await client.channels == [])
        }
        let heard = await server.heard
        #expect(
            heard == [
                "CAP LS 302", "NICK belfry", "USER belfry 0 * Belfry", "CAP END", "JOIN #tea", "PRIVMSG #tea one",
                "PRIVMSG #tea :QUIT :injected", "PRIVMSG #tea two", "NOTICE ann three", "PART #tea :good bye", "QUIT",
            ]
        )
    }

    @Test("a long text goes out in lines that are whole with any prefix", arguments: BackendKind.testable)
    func longText(_ backend: BackendKind) async throws {
        let server = try ScriptedServer()
        let text = String(repeating: "👨‍👩‍👧‍👦 wörld ", count: 100)
        try await Self.withClient(backend, server) { client in try await client.send(text, to: "#tea") }
        let said = await server.heard.compactMap { $0.hasPrefix("PRIVMSG #tea :") ? String($0.dropFirst(14)) : nil }
        #expect((said + [""]).joined(separator: " ") == text && said.count > 5)
        let prefix =
            ":\(String(repeating: "n", count: 30))!\(String(repeating: "u", count: 20))@\(String(repeating: "h", count: 64)) "
        for line in said { #expect("\(prefix)PRIVMSG #tea :\(line)\r\n".utf8.count <= 512) }
    }

    @Test(
        "a broken connection is mended, channels are joined again, and what was sent meanwhile follows",
        arguments: BackendKind.testable
    )
    func reconnect(_ backend: BackendKind) async throws {
        let server = try ScriptedServer()
        try await Self.withClient(backend, server) { client in
            var events = await client.events().makeAsyncIterator()
            for name in ["#a", "#b"] { try await client.join(name) }
            await server.answer("USER")
            await server.drop()
            try await server.waitFor("USER belfry 0 * Belfry", times: 2)
            try await client.send("are you there?", to: "#a")
            #expect(await client.channels == [])
            await server.send(":irc.test 001 belfry :Welcome")
            try await server.waitFor("PRIVMSG #a :are you there?")
            var kinds: [String] = []
            while kinds.count < 2, case .element(let event) = try await events.next() {
                if case .disconnected = event { kinds.append("disconnected") }
                if case .registered(let name) = event { kinds.append("registered as \(name)") }
            }
            #expect(kinds == ["disconnected", "registered as belfry"])
            try await eventually("in both") { await client.channels == ["#a", "#b"] }
            #expect(await client.statistics.registrations == 2)
        }
        #expect(await server.heard.suffix(3) == ["JOIN #a,#b", "PRIVMSG #a :are you there?", "QUIT"])
    }

    @Test("a server that says nothing is asked, and left when it does not answer", arguments: BackendKind.testable)
    func silence(_ backend: BackendKind) async throws {
        let server = try ScriptedServer()
        var configuration = Self.configuration
        configuration.pingInterval = .milliseconds(5)
        configuration.pingTimeout = .milliseconds(50)
        try await Self.withClient(backend, server, configuration) { client in
            try await server.waitFor("PING belfry", times: 3)
            await server.answer("PING")
            try await eventually("back again") { await client.statistics.registrations > 1 }
        }
    }

    @Test("a server that lets nobody in is left after a while", arguments: BackendKind.testable)
    func noWelcome(_ backend: BackendKind) async throws {
        let server = try ScriptedServer()
        await server.answer("USER")
        var configuration = Self.configuration
        configuration.registrationTimeout = .milliseconds(20)
        let code = await Self.code { try await Self.withClient(backend, server, configuration) { _ in } }
        #expect(code == .timedOut)
    }

    @Test("the server's refusals, and an absent server, are told at once", arguments: BackendKind.testable)
    func refused(_ backend: BackendKind) async throws {
        let server = try ScriptedServer()
        await server.answer("USER", ":irc.test 464 * :Password incorrect", "ERROR :Closing link")
        #expect(await Self.code { try await Self.withClient(backend, server) { _ in } } == .refused)
        await server.stop()
        let code = await Self.code {
            try await IRCClient.withConnection(to: "127.0.0.1", port: 1, as: .init(nickname: "a"), io: backend.choice) {
                _ in
            }
        }
        #expect(code == .connectFailed)
    }

    @Test("a channel that is refused, or not answered for, is an error", arguments: BackendKind.testable)
    func joinFails(_ backend: BackendKind) async throws {
        let server = try ScriptedServer()
        await server.answer("JOIN #full", ":irc.test 471 belfry #full :Cannot join channel (+l)")
        await server.answer("JOIN #silent")
        var configuration = Self.configuration
        configuration.joinTimeout = .milliseconds(50)
        try await Self.withClient(backend, server, configuration) { client in
            #expect(await Self.code { try await client.join("#full") } == .joinRefused)
            #expect(await Self.code { try await client.join("#silent") } == .timedOut)
            try await server.waitFor("PART #silent")
            for name in ["", "tea", "#", "#a b", "#a,b", "#a\r\nQUIT", "#a\u{7}"] {
                #expect(await Self.code { try await client.join(name) } == .badName)
            }
            for target in ["", "a b", "a\nQUIT", "a,b", ":a"] {
                #expect(await Self.code { try await client.send("x", to: target) } == .badName)
            }
            #expect(await Self.code { try await client.send(IRCMessage("TOPIC", ["#a", "x\nQUIT"])) } == .badMessage)
            let joining = Task { try await client.join("#silent") }
            joining.cancel()
            #expect(await Self.code { try await joining.value } == .cancelled)
        }
    }

    @Test(
        "lines past the pace wait within bounds while PING is answered, and losses are counted",
        arguments: BackendKind.testable
    )
    func pace(_ backend: BackendKind) async throws {
        let server = try ScriptedServer()
        var configuration = Self.configuration
        configuration.burst = 2
        configuration.lineInterval = .seconds(3_600)
        configuration.maxQueuedLines = 3
        configuration.quitTimeout = .milliseconds(1)
        var loss: IRCStatistics?
        try await Self.withClient(backend, server, configuration) { client in
            for number in 1...2 { try await client.send("line \(number)", to: "#a") }
            try await server.waitFor("PRIVMSG #a :line 2")
            try await client.send("3\n4", to: "#a")
            #expect(await Self.code { try await client.send("5\n6", to: "#a") } == .queueFull)
            try await client.send("5", to: "#a")
            await server.send("PING :are you there", "\u{0}", ":x")
            try await server.waitFor("PONG :are you there")
            try await eventually("both bad lines are counted") { await client.statistics.malformedLines == 2 }
            await client.quit("tired")
            #expect(await Self.code { try await client.send("7", to: "#a") } == .closed)
            try await eventually("the rest is counted") {
                loss = await client.statistics
                return loss?.unsentLines == 3
            }
        }
        #expect(loss?.queuedLines == 0)
        #expect(await server.heard.last == "QUIT tired")
    }

    @Test("a listener that falls behind loses the oldest and is told", arguments: BackendKind.testable)
    func gap(_ backend: BackendKind) async throws {
        let server = try ScriptedServer()
        try await Self.withClient(backend, server) { client in
            var messages = await client.messages(limit: 2).makeAsyncIterator()
            let before = await client.statistics.receivedMessages
            for number in 1...5 { await server.send(":ann PRIVMSG #a \(number)") }
            try await eventually("all have come") { await client.statistics.receivedMessages == before + 5 }
            guard case .gap = try await messages.next() else { return #expect(Bool(false), "no gap") }
            guard case .element(let message) = try await messages.next() else { return }
            #expect(message.text == "4")
        }
    }

    @Test("when it gives up coming back, listeners and senders are told", arguments: BackendKind.testable)
    func givesUp(_ backend: BackendKind) async throws {
        let server = try ScriptedServer()
        var configuration = Self.configuration
        configuration.reconnect?.maxAttempts = 2
        try await Self.withClient(backend, server, configuration) { client in
            let messages = await client.messages()
            await server.stop()
            await server.drop()
            await #expect(throws: QueueError.self) { for try await _ in messages {} }
            #expect(await Self.code { try await client.send("x", to: "#a") } == .connectFailed)
            #expect(await Self.code { try await client.join("#a") } == .connectFailed)
        }
    }
}
