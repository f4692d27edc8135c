// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP
import BelfryIO
import HTTPTypes
import Logging

/// Sends requests to Discord's HTTP API, within its rate limits, and again where that does no harm.
actor DiscordREST: LoopBound {
    typealias Failure = DiscordError

    /// One that hangs holds up only its share of the channels.
    private static let connectionCount = 4
    private static let maxRateLimited = 20
    private static let maxRetryPause = Duration.seconds(30)

    nonisolated let loop: EventLoop
    private let token: DiscordToken
    private let configuration: DiscordClient.Configuration
    private let logger: Logger
    private let basePath: String
    private let fields: HTTPFields
    private let connections: [HTTPClientConnection]
    private let turns = ChannelTurns()
    private var limiter = RateLimiter()
    private var random = SystemRandomNumberGenerator()
    private var waitingPosts = 0
    private var waitingBytes = 0
    private var isUnauthorized = false
    private var isClosed = false

    init(
        _ url: HTTPURL,
        _ token: DiscordToken,
        _ configuration: DiscordClient.Configuration,
        on loop: EventLoop,
        logger: Logger
    ) {
        self.loop = loop
        self.token = token
        self.configuration = configuration
        self.logger = logger
        basePath = url.target.hasSuffix("/") ? String(url.target.dropLast()) : url.target
        fields = [
            .authorization: "Bot \(token.text)", .userAgent: configuration.userAgent, .contentType: "application/json",
        ]
        var settings = HTTPClientConnection.Configuration()
        settings.authorities = configuration.authorities
        settings.requestTimeout = configuration.requestTimeout
        connections = (0..<Self.connectionCount).map { _ in
            HTTPClientConnection(url, on: loop, configuration: settings)
        }
    }

    /// Ends what is under way and what waits, with `.closed`.
    func close() {
        isClosed = true
        for connection in connections { connection.close() }
    }

    // MARK: What the API offers

    /// Where the gateway is.
    func gateway() async throws(Failure) -> String {
        guard let url = DiscordJSON(try await send(.gateway))?.string("url") else {
            throw Self.badAnswer("/gateway/bot")
        }
        return url
    }

    /// The first forum of this name on the bot's servers.
    func forum(named name: String) async throws(Failure) -> Int {
        var last = 0
        while true {
            guard let guilds = DiscordJSON.array(try await send(.guilds(after: last))) else {
                throw Self.badAnswer("/users/@me/guilds")
            }
            let ids = guilds.compactMap { $0.int("id") }
            for id in ids {
                guard let channels = DiscordJSON.array(try await send(.channels(of: id))) else {
                    throw Self.badAnswer("/guilds/channels")
                }
                // Channel type 15: GUILD_FORUM.
                let found = channels.first { $0.int("type") == 15 && $0.string("name") == name }
                if let id = found?.int("id") { return id }
            }
            guard ids.count == 200, let greatest = ids.max(), greatest > last else { break }
            last = greatest
        }
        throw Failure(.notFound, "there is no forum channel '\(name.prefix(100))' on the bot's servers")
    }

    /// Starts a thread in a forum; its ID.
    func startThread(in forum: Int, name: String, text: String) async throws(Failure) -> Int {
        guard (1...100).contains(name.utf16.count) else {
            throw Failure(.badText, "a thread's name has 1 to 100 characters")
        }
        let pieces = MessagePieces.pieces(of: text)
        guard let first = pieces.first else { throw Self.blank }
        let body = try await send(.startThread(in: forum, name: name, text: first))
        guard let id = DiscordJSON(body)?.int("id") else { throw Self.badAnswer("/channels/threads") }
        for piece in pieces.dropFirst() { try await post(piece, in: id) }
        return id
    }

    /// Posts a text, as several messages if it is long; returns when Discord has it all.
    func post(_ text: String, in channel: Int) async throws(Failure) {
        let pieces = MessagePieces.pieces(of: text)
        guard !pieces.isEmpty else { throw Self.blank }
        let bytes = text.utf8.count
        guard waitingPosts < configuration.maxWaitingPosts, bytes <= configuration.maxWaitingBytes - waitingBytes else {
            throw Failure(.tooManyWaiting, "\(waitingPosts) posts of \(waitingBytes) bytes wait already")
        }
        waitingPosts += 1
        waitingBytes += bytes
        defer {
            waitingPosts -= 1
            waitingBytes -= bytes
        }
        let deadline = deadline(configuration.postPatience)
        try await turns.take(channel)
        defer { turns.pass(channel) }
        for piece in pieces {
            _ = try await send(.message(in: channel, text: piece, nonce: random.next()), until: deadline)
        }
    }

    private static func badAnswer(_ what: String) -> Failure {
        Failure(.badAnswer, "the answer to \(what) is not as it is documented")
    }

    private static var blank: Failure { Failure(.badText, "Discord takes no blank messages") }

    // MARK: Requests

    private func deadline(_ patience: Duration) -> Int64 {
        let (deadline, overflow) = loop.nowNanoseconds.addingReportingOverflow(max(0, patience.nanoseconds))
        return overflow ? .max : deadline
    }

    /// Sends a request until there is an answer that counts; its body.
    ///
    /// - Parameter deadline: Past it no attempt is made any more; nil for `requestPatience` from now.
    private func send(_ request: DiscordRequest, until deadline: Int64? = nil) async throws(Failure) -> [UInt8] {
        let deadline = deadline ?? self.deadline(configuration.requestPatience)
        var failures = 0
        var limited = 0
        while true {
            try await waitForPlace(request.route)
            let trouble: Failure
            switch try await attempt(request) {
            case .success(let response) where (200..<300).contains(response.status): return response.body
            case .success(let response) where response.status == 429:
                limited += 1
                logger.debug("Discord: a rate limit was hit.", metadata: ["route": "\(request.route.kind)"])
                guard limited < Self.maxRateLimited else {
                    throw Failure(.rateLimited, "rate limits hold it up for ever")
                }
                continue
            case .success(let response):
                trouble = refusal(response)
                guard response.status >= 500, request.isRepeatable else { throw trouble }
            case .failure(let error):
                trouble = error
                guard error.code == .unavailable || error.code == .unconfirmed && request.isRepeatable else {
                    throw error
                }
            }
            failures += 1
            let doubled = configuration.reconnectPause * (1 << min(failures - 1, 10))
            let pause = min(doubled, Self.maxRetryPause) * Double.random(in: 0.5...1, using: &random)
            guard loop.nowNanoseconds.addingReportingOverflow(pause.nanoseconds).partialValue < deadline else {
                throw trouble
            }
            logger.debug("Discord: a request is tried again.", metadata: ["reason": "\(trouble)"])
            try await sleep(pause)
        }
    }

    private func waitForPlace(_ route: RateLimiter.Route) async throws(Failure) {
        while true {
            guard !isClosed else { throw Failure(.closed, "the client was closed") }
            guard !isUnauthorized else { throw Failure(.unauthorized, "the token is not valid") }
            let wait = Duration.nanoseconds(limiter.take(route, now: loop.nowNanoseconds))
            guard wait > .zero else { return }
            guard wait <= configuration.maxRateLimit else { throw Failure(.rateLimited, "a rate limit lasts \(wait)") }
            try await sleep(wait)
        }
    }

    private func sleep(_ duration: Duration) async throws(Failure) {
        guard await loop.sleep(for: duration) else {
            if Task.isCancelled { throw Failure(.cancelled, "cancelled while waiting for Discord") }
            throw Failure(.closed, "the client was closed")
        }
    }

    private func attempt(_ request: DiscordRequest) async throws(Failure) -> Result<HTTPClientResponse, Failure> {
        let message = HTTPClientRequest(
            request.method,
            basePath + request.path,
            fields: fields,
            body: Array(request.body.utf8),
            // What is sent again has to keep to the limits as well, so that is done here.
            isRepeatable: false
        )
        let connection = connections[abs(request.route.resource % connections.count)]
        do throws(HTTPClientError) {
            let response = try await connection.send(message)
            let fields = RateLimitFields(status: response.status, fields: response.fields, body: response.body)
            limiter.answered(request.route, status: response.status, fields, now: loop.nowNanoseconds)
            if response.status == 401 { isUnauthorized = true }
            return .success(response)
        } catch {
            switch error.code {
            case .connectFailed: return .failure(Failure(.unavailable, error.message))
            case .connectionLost, .timedOut: return .failure(Failure(.unconfirmed, error.message))
            case .untrusted: throw Failure(.untrusted, error.message)
            case .badResponse: throw Failure(.badAnswer, error.message)
            case .badRequest, .invalidURL: throw Failure(.refused, error.message)
            case .closed: throw Failure(.closed, error.message)
            case .cancelled: throw Failure(.cancelled, error.message)
            }
        }
    }

    /// What an answer that is no success comes to, with Discord's words.
    private func refusal(_ response: HTTPClientResponse) -> Failure {
        let json = DiscordJSON(response.body)
        var message = "Discord answered \(response.status)"
        if let number = json?.int("code") { message += ", \(number)" }
        if let words = json?.string("message") { message += ": \(words.prefix(200))" }
        message = message.replacing(token.text, with: "…")
        switch response.status {
        case 401: return Failure(.unauthorized, message)
        case 403: return Failure(.forbidden, message)
        case 404: return Failure(.notFound, message)
        case 500...: return Failure(.unavailable, message)
        default: return Failure(.refused, message)
        }
    }
}
