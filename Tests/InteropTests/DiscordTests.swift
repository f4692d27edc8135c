// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryDiscord
import BelfryIO
import Foundation
import Logging
import Testing

/// `DiscordClient` and a stand-in for Discord after its public documentation; the real one is never reached.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct DiscordTests {
    private func engine(_ setup: Setup) -> IOChoice { setup.backend == .uring ? .uring : .epoll }

    private struct Place: Decodable {
        let authority: String
        let api: String
        let gateway: String
        let forum: String
    }

    private static let token = "mock.token-of-the-bot"

    /// Starts the stand-in and a client with a thread of its own.
    private func withDiscord(
        _ setup: Setup,
        token: String = token,
        intents: DiscordIntents = [.guilds, .guildMessages, .messageContent],
        gateway: Bool = false,
        _ body: (DiscordClient, Conversation) async throws -> Void
    ) async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("belfry-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let child = try ChildProcess(Programs.python(), [Programs.script("discord_mock"), file.path])
        async let result = child.result(within: .seconds(50))
        let deadline = ContinuousClock.now + .seconds(20)
        while !FileManager.default.fileExists(atPath: file.path), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(10))
        }
        let place = try JSONDecoder().decode(Place.self, from: Data(contentsOf: file))
        var configuration = DiscordClient.Configuration()
        configuration.apiURL = place.api
        if gateway { configuration.gatewayURL = place.gateway }
        configuration.authorities = place.authority
        configuration.intents = intents
        configuration.reconnectPause = .milliseconds(50)
        try await DiscordClient.withClient(
            token: try DiscordToken(token),
            configuration: configuration,
            io: engine(setup)
        ) { discord in
            try await body(discord, Conversation(discord))
        }
        // Another session ends it, whatever the first one was for.
        try await DiscordClient.withClient(token: try DiscordToken(Self.token), configuration: configuration) {
            discord in
            let forum = try await discord.forum(named: "chatbox50")
            #expect("\(forum)" == place.forum)
            let thread = try await discord.startThread(named: "the end", in: forum, text: "over")
            try await discord.post("mock: quit", in: thread)
        }
        let end = try await result
        #expect(end.status == 0, "\(end.errors.suffix(2_000))")
    }

    /// Reads a client's events one after the other.
    private final class Conversation {
        private let discord: DiscordClient
        private var events: Queue<DiscordEvent>.Iterator
        var thread = 0

        init(_ discord: DiscordClient) {
            self.discord = discord
            events = discord.events.makeAsyncIterator()
        }

        func begin() async throws {
            thread = try await discord.startThread(
                named: "a visitor",
                in: try await discord.forum(named: "chatbox50"),
                text: "new client access"
            )
        }

        func post(_ text: String) async throws { try await discord.post(text, in: thread) }

        func hears(_ what: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
            let heard = try await next()
            #expect(heard == what, sourceLocation: sourceLocation)
        }

        /// The next event as a word, or what another person wrote.
        func next() async throws -> String {
            while let delivery = try await events.next() {
                guard case .element(let event) = delivery else { return "gap" }
                switch event {
                case .ready(_, let afterLoss): return afterLoss ? "ready after a loss" : "ready"
                case .resumed: return "resumed"
                case .disconnected: return "disconnected"
                case .ended(let error): return "ended: \(error.code)"
                case .message(let message) where message.isOwn: continue
                case .message(let message):
                    guard message.channelID == thread, message.author.name == "eve" else { return "a stranger's" }
                    return message.content
                }
            }
            return "nothing"
        }
    }

    private func failure(_ body: () async throws -> Void) async -> DiscordError? {
        do {
            try await body()
        } catch {
            return error as? DiscordError
        }
        return nil
    }

    @Test("a bot starts threads, posts, and hears answers", arguments: Setup.all(loops: [1]))
    func conversation(_ setup: Setup) async throws {
        try await withDiscord(setup) { discord, talk in
            try await talk.begin()
            #expect(talk.thread > 1 << 53)
            try await talk.hears("ready")
            try await talk.post("mock: say héllo 𝄞 \"quoted\" \\ @everyone")
            try await talk.hears("héllo 𝄞 \"quoted\" \\ @everyone")
            try await talk.post("mock: notice")
            try await talk.post("mock: heartbeat")
            try await talk.post("mock: say next")
            try await talk.hears("next")
            try await talk.post(String(repeating: "a line of text\n", count: 400))
            #expect(await failure { try await talk.post(" \n") }?.code == .badText)
            #expect(await failure { try await discord.post("x", in: 12) }?.code == .notFound)
            #expect(await failure { _ = try await discord.forum(named: "none") }?.code == .notFound)
        }
    }

    @Test("posts keep to the rate limits, and keep their order", arguments: Setup.all(loops: [1]))
    func rateLimits(_ setup: Setup) async throws {
        try await withDiscord(setup) { discord, talk in
            try await talk.begin()
            try await talk.hears("ready")
            let thread = talk.thread
            // More than a window has: the stand-in faults one that comes too early.
            for number in 0..<12 { try await talk.post("number \(number)") }
            for (trouble, count) in [("limit 0.3", 1), ("limit-all 0.3", 1), ("fail 2", 1), ("lose", 1)] {
                try await talk.post("mock: \(trouble)")
                for _ in 0..<count { try await talk.post("after \(trouble)") }
            }
            try await talk.post("mock: limit 0.4")
            // Said at once from several tasks, each waits for its turn.
            try await withThrowingTaskGroup { group in
                for number in 0..<4 {
                    group.addTask { try await discord.post("mock: say turn \(number)", in: thread) }
                }
                try await group.waitForAll()
            }
            var turns: Set<String> = []
            for _ in 0..<4 { turns.insert(try await talk.next()) }
            #expect(turns == Set((0..<4).map { "turn \($0)" }))
        }
    }

    @Test("what is posted while the link is away waits, and arrives in its order", arguments: Setup.all(loops: [1]))
    func away(_ setup: Setup) async throws {
        try await withDiscord(setup) { discord, talk in
            try await talk.begin()
            try await talk.hears("ready")
            try await talk.post("mock: away 0.5")
            // The connection goes a moment after the answer.
            try await Task.sleep(for: .milliseconds(150))
            for number in 0..<3 { try await talk.post("mock: say \(number)") }
            for number in 0..<3 { try await talk.hears("\(number)") }
        }
    }

    @Test("a session is resumed after a cut, and nothing is missed", arguments: Setup.all(loops: [1]))
    func resume(_ setup: Setup) async throws {
        try await withDiscord(setup, gateway: true) { _, talk in
            try await talk.begin()
            try await talk.hears("ready")
            try await talk.post("mock: cut")
            try await talk.hears("disconnected")
            try await talk.hears("said while you were away")
            try await talk.hears("resumed")
            try await talk.post("mock: reconnect")
            try await talk.hears("disconnected")
            try await talk.hears("resumed")
            try await talk.post("mock: zombie")
            try await talk.hears("disconnected")
            try await talk.post("mock: alive")
            try await talk.hears("resumed")
            try await talk.post("mock: say still here")
            try await talk.hears("still here")
        }
    }

    @Test("an invalid session is followed by a new one, which says so", arguments: Setup.all(loops: [1]))
    func invalid(_ setup: Setup) async throws {
        try await withDiscord(setup) { _, talk in
            try await talk.begin()
            try await talk.hears("ready")
            try await talk.post("mock: invalid")
            try await talk.hears("disconnected")
            try await talk.hears("disconnected")
            try await talk.hears("ready after a loss")
        }
    }

    @Test("a bot that is not wanted stops, and its token does not show", arguments: Setup.all(loops: [1]))
    func unwanted(_ setup: Setup) async throws {
        try await withDiscord(setup, token: "wrong.secret") { discord, talk in
            try await talk.hears("ended: unauthorized")
            try await talk.hears("nothing")
            let error = await failure { _ = try await discord.forum(named: "chatbox50") }
            #expect(error?.code == .unauthorized && error?.message.contains("secret") == false)
        }
        try await withDiscord(setup, token: "wrong.secret", gateway: true) { _, talk in
            try await talk.hears("ended: rejected")
        }
        try await withDiscord(setup, intents: [.directMessages]) { _, talk in
            try await talk.hears("ended: rejected")
        }
    }
}
