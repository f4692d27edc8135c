// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryIRC
import BelfryTesting
import Testing

/// The IRC client against a server that people use, ngircd, with a person at a plain socket beside it.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct IRCServerTests {
    private static var configuration: IRCClient.Configuration {
        var configuration = IRCClient.Configuration()
        configuration.lineInterval = .zero
        configuration.reconnect?.firstPause = .milliseconds(10)
        configuration.reconnect?.maxPause = .milliseconds(50)
        return configuration
    }

    private static func withClient(
        _ setup: Setup,
        _ server: NgIRCd,
        password: String? = nil,
        _ body: (IRCClient) async throws -> Void
    ) async throws {
        do {
            try await IRCClient.withConnection(
                to: "localhost",
                port: server.port,
                as: .init(nickname: "belfry", password: password),
                io: setup.backend == .uring ? .uring : .epoll,
                configuration: configuration,
                body
            )
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    @Test("a channel's talk goes both ways, in any script and of any length", arguments: Setup.all(loops: [1]))
    func talk(_ setup: Setup) async throws {
        let server = try await NgIRCd.start()
        try await Self.withClient(setup, server) { client in
            let ann = try await IRCPerson("ann", on: server.port, in: "#visitor-1")
            var messages = await client.messages().makeAsyncIterator()
            try await client.join("#visitor-1")
            _ = try await ann.hears("JOIN :#visitor-1")
            try await client.send("<visitor> hello wörld 👨‍👩‍👧‍👦", to: "#visitor-1")
            #expect(try await ann.hears("PRIVMSG").hasSuffix("PRIVMSG #visitor-1 :<visitor> hello wörld 👨‍👩‍👧‍👦"))

            try await ann.says("and hello to yöu: world", in: "#visitor-1")
            while case .element(let message) = try await messages.next() {
                guard message.command == "PRIVMSG" else { continue }
                #expect(message.sender == "ann" && message.target == "#visitor-1")
                #expect(message.text == "and hello to yöu: world")
                break
            }

            // Not a byte is cut off by the server, although it puts who speaks before each line.
            let text = String(repeating: "lörem 世界 ", count: 150)
            try await client.send(text, to: "#visitor-1")
            var heard = ""
            while heard.count < text.count {
                heard += try await ann.hears("PRIVMSG").components(behind: "PRIVMSG #visitor-1 :") + " "
            }
            #expect(heard == text)

            // What would be a command by itself is text.
            try await client.send("x\r\nPART #visitor-1\nQUIT", to: "#visitor-1")
            for line in ["x", "PART #visitor-1", "QUIT"] {
                #expect(try await ann.hears("PRIVMSG").hasSuffix(":\(line)"))
            }

            try await client.part("#visitor-1", "bye bye")
            #expect(try await ann.hears("PART").contains("bye bye"))
            await ann.leaves()
        }
    }

    @Test("a taken name is varied", arguments: Setup.all(loops: [1]))
    func takenName(_ setup: Setup) async throws {
        let server = try await NgIRCd.start()
        let namesake = try await IRCPerson("belfry", on: server.port)
        try await Self.withClient(setup, server) { client in
            #expect(await client.nickname == "belfry_")
            try await client.send("it is me", to: "belfry")
            #expect(try await namesake.hears("PRIVMSG").hasPrefix(":belfry_!"))
        }
    }

    @Test("a server that comes back finds the client in its channels", arguments: Setup.all(loops: [1]))
    func restart(_ setup: Setup) async throws {
        let first = try await NgIRCd.start()
        var second: NgIRCd?
        try await Self.withClient(setup, first) { client in
            for number in 1...12 { try await client.join("#visitor-\(number)") }
            await first.stop()
            try await eventually("the client sees it") { await !client.isRegistered }
            try await client.send("are you back?", to: "#visitor-12")
            let again = try await first.restarted()
            second = again
            try await eventually("all channels") { await client.channels.count == 12 }
            let ann = try await IRCPerson("ann", on: again.port, in: "#visitor-12")
            try await client.send("so am I", to: "#visitor-12")
            _ = try await ann.hears("so am I")
            #expect(await client.statistics.unsentLines == 0)
        }
        await second?.stop()
    }

    @Test("a password, and the server's limits, are respected", arguments: Setup.all(loops: [1]))
    func limits(_ setup: Setup) async throws {
        let server = try await NgIRCd.start(password: "open", limits: ["MaxJoins = 2"])
        await #expect(throws: IRCError.self) {
            try await IRCClient.withConnection(
                to: "127.0.0.1",
                port: server.port,
                as: .init(nickname: "belfry", password: "wrong")
            ) { _ in }
        }
        try await Self.withClient(setup, server, password: "open") { client in
            try await client.join("#one")
            try await client.join("#two")
            await #expect(throws: IRCError.self) { try await client.join("#three") }
            #expect(await client.channels == ["#one", "#two"])
        }
    }
}

extension String {
    /// What follows the first occurrence of a text.
    fileprivate func components(behind text: String) -> Substring {
        firstRange(of: text).map { self[$0.upperBound...] } ?? ""
    }
}
