// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
import BelfryHTTP
public import BelfryIO
public import Logging

/// A bot on Discord: hears what is written, starts threads, and posts.
///
///     try await DiscordClient.withClient(token: DiscordToken(text)) { discord in
///         let forum = try await discord.forum(named: "help")
///         let thread = try await discord.startThread(named: "a question", in: forum, text: "hello")
///         for try await case .element(.message(let message)) in discord.events where !message.isOwn {
///             try await discord.post("You said: \(message.content)", in: thread)
///         }
///     }
///
/// The connection to the gateway is kept, and its session resumed, by itself.
public final class DiscordClient: Sendable {
    /// What the gateway tells, for one reader at a time.
    ///
    /// Holds `maxEvents`; a reader who is slower misses the oldest, and is told how many by `.gap`.
    public let events: Queue<DiscordEvent>
    private let rest: DiscordREST

    private init(_ rest: DiscordREST, _ events: Queue<DiscordEvent>) {
        self.rest = rest
        self.events = events
    }

    /// Connects, runs `body`, and disconnects.
    ///
    /// `body` starts at once: what it asks for before there is a link waits for one. When it ends, the session ends, and
    /// what still waits fails with `.closed`.
    ///
    /// - Parameters:
    ///   - token: The bot's.
    ///   - configuration: Places and bounds.
    ///   - io: Which engine, for an event loop of its own.
    ///   - logger: Hears of sessions and lost connections; never the token, nor what is written.
    ///   - body: Uses the client, which is of no use outside.
    /// - Returns: What `body` returns.
    /// - Throws: ``DiscordError`` `.badURL`; `IOError` when an explicit engine can't be had; what `body` throws.
    public static func withClient<Result>(
        token: DiscordToken,
        configuration: Configuration = .init(),
        io: IOChoice = .automatic,
        logger: Logger = Logger(label: "belfry.discord"),
        _ body: (DiscordClient) async throws -> Result
    ) async throws -> Result {
        let url = try check(configuration)
        return try await EventLoopGroup.withOwnLoop(io, logger: logger) { loop in
            let events = Queue<DiscordEvent>(.init(limit: configuration.maxEvents, policy: .dropOldest))
            let rest = DiscordREST(url, token, configuration, on: loop, logger: logger)
            let link = GatewayLink(rest, token, configuration, on: loop, logger: logger) { event in
                events.send(event)
                if case .ended = event { events.close() }
            }
            let running = Task(executorPreference: loop) { await link.run() }
            let outcome: Swift.Result<Result, any Error>
            do {
                outcome = .success(try await body(DiscordClient(rest, events)))
            } catch {
                outcome = .failure(error)
            }
            await rest.close()
            running.cancel()
            await running.value
            events.close()
            return try outcome.get()
        }
    }

    /// The address of the API; also looks at the gateway's.
    private static func check(_ configuration: Configuration) throws(DiscordError) -> HTTPURL {
        if let gateway = configuration.gatewayURL {
            do throws(WebSocketError) {
                _ = try WebSocketURL(gateway)
            } catch {
                throw DiscordError(.badURL, error.message)
            }
        }
        let url: HTTPURL
        do throws(HTTPClientError) {
            url = try HTTPURL(configuration.apiURL)
        } catch {
            throw DiscordError(.badURL, error.message)
        }
        guard !url.target.contains("?") else { throw DiscordError(.badURL, "'\(url)': it has a query") }
        return url
    }

    /// The ID of the first forum channel of this name on the bot's servers.
    ///
    /// - Throws: ``DiscordError`` `.notFound` when there is none; otherwise as ``post(_:in:)``.
    public func forum(named name: String) async throws(DiscordError) -> Int { try await rest.forum(named: name) }

    /// Starts a thread in a forum channel; its ID.
    ///
    /// Not tried again once it may have arrived, for that would make two.
    ///
    /// - Parameters:
    ///   - name: 1 to 100 characters.
    ///   - forum: The channel's ID.
    ///   - text: The first post, as in ``post(_:in:)``.
    /// - Throws: ``DiscordError``, as `.unconfirmed`; otherwise as ``post(_:in:)``.
    public func startThread(named name: String, in forum: Int, text: String) async throws(DiscordError) -> Int {
        try await rest.startThread(in: forum, name: name, text: text)
    }

    /// Posts a text in a channel or thread, and returns when Discord has it.
    ///
    /// What is posted in one channel arrives in the order of the calls. While the link is away or a rate limit holds it
    /// up, it waits, at most `postPatience`. A text of more than 2,000 characters becomes several messages, cut at the
    /// ends of lines or words. Nobody is notified by name, whatever the text says.
    ///
    /// - Throws: ``DiscordError`` `.badText` for a blank text, `.tooManyWaiting`, `.unauthorized`, `.forbidden`,
    ///   `.notFound`, `.refused`, `.rateLimited`, `.unavailable`, `.untrusted`, `.closed`, `.cancelled`. Of a long text a
    ///   part may have arrived.
    public func post(_ text: String, in channel: Int) async throws(DiscordError) {
        try await rest.post(text, in: channel)
    }
}
