// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
import BelfryHTTP
public import BelfryIO
public import Logging

/// A Watchbox client: listens to groups of a server, publishes to them, and speaks with the server's application.
///
///     let client = try WatchboxClient("http://127.0.0.1:8001")
///     try await client.publish("im here!", to: "foo")
///     for try await case .element(let message) in client.join("foo") { print(message.text) }
///
/// - Life: connects when it is first used, registers, and does so again by itself whenever the server was away or has
///   forgotten it; groups are then joined again. ``events`` tells.
/// - Messages: those of one group come in the server's order. What is published while nobody is registered is lost, as
///   servers keep nothing for later members.
/// - Sending: what is sent before the client is registered waits, within bounds; past them sending throws.
/// - Servers: those of the library hold a question until there is a message (long polling); original ones are asked
///   every `pollInterval`.
///
/// An actor on an event loop: one of its own, or one of a group that several clients share. A client that nobody holds
/// any more, nor any of its sequences, closes at once.
public actor WatchboxClient: LoopBound {
    /// The group in which the server's application answers; nobody may publish there.
    public static let serverGroup = "server"

    /// The loop that serves the sockets; the actor lives on it.
    public nonisolated let loop: EventLoop
    /// The server's URL.
    public nonisolated let url: String
    /// How it was set up.
    public nonisolated let configuration: Configuration

    private nonisolated let ownGroup: EventLoopGroup?
    private nonisolated let core: LoopConfined<WatchboxClientCore>
    private nonisolated let lastListener = Lock<UInt64>(0)

    /// Makes a client; it connects when it is first used.
    ///
    /// - Parameters:
    ///   - url: `http://host[:port]`; the protocol has no paths.
    ///   - configuration: Every default is stated at ``Configuration``.
    ///   - io: Which engine, for an event loop of its own.
    ///   - group: Whose loops to use instead, one of them at random; it must outlive the client's connections.
    ///   - logger: Hears of connections that end and of messages that are lost.
    /// - Throws: ``WatchboxClientError`` `.badURL`; `.unavailable` when an explicit engine cannot be had.
    public init(
        _ url: String = "http://127.0.0.1:8001",
        configuration: Configuration = .init(),
        io: IOChoice = .automatic,
        group: EventLoopGroup? = nil,
        logger: Logger = Logger(label: "belfry.watchbox")
    ) throws(WatchboxClientError) {
        let parsed: HTTPURL
        do throws(HTTPClientError) {
            parsed = try HTTPURL(url)
        } catch {
            throw WatchboxClientError(.badURL, error.message)
        }
        guard parsed.target == "/" else { throw WatchboxClientError(.badURL, "'\(url.prefix(300))': it has a path") }
        do throws(IOError) {
            ownGroup = group == nil ? try EventLoopGroup(io, count: 1, logger: logger) : nil
        } catch {
            throw WatchboxClientError(.unavailable, error.message)
        }
        guard let loop = (group ?? ownGroup)?.loops.randomElement() else {
            throw WatchboxClientError(.unavailable, "the group has no event loop")
        }
        self.loop = loop
        self.url = url
        self.configuration = configuration
        core = LoopConfined(WatchboxClientCore(parsed, configuration, on: loop, logger: logger), to: loop)
    }

    deinit {
        let (core, group) = (core, ownGroup)
        loop.execute {
            core.value.abort()
            for loop in group?.loops ?? [] { loop.stop() }
        }
    }

    /// Connects, runs `body`, and closes, whether it returns or throws.
    ///
    /// - Parameters:
    ///   - url: `http://host[:port]`.
    ///   - configuration: Every default is stated at ``Configuration``.
    ///   - io: Which engine.
    ///   - logger: Hears of connections that end and of messages that are lost.
    ///   - body: Uses the client.
    /// - Returns: What `body` returns.
    /// - Throws: ``WatchboxClientError`` as ``connect(timeout:)`` does; what `body` throws.
    public static func withClient<Result>(
        _ url: String = "http://127.0.0.1:8001",
        configuration: Configuration = .init(),
        io: IOChoice = .automatic,
        logger: Logger = Logger(label: "belfry.watchbox"),
        _ body: (WatchboxClient) async throws -> Result
    ) async throws -> Result {
        let client = try WatchboxClient(url, configuration: configuration, io: io, logger: logger)
        do {
            try await client.connect()
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }

    // MARK: Life

    /// Waits until the client is registered; it need not be called.
    ///
    /// - Parameter timeout: The client goes on trying after it.
    /// - Throws: ``WatchboxClientError`` `.timedOut` with the reason of the last attempt, `.closed`, `.cancelled`.
    public func connect(timeout: Duration = .seconds(10)) async throws(WatchboxClientError) {
        try await core.value.connect(timeout)
    }

    /// Whether the server knows the client, as far as the client knows.
    public var isRegistered: Bool { core.value.isRegistered }

    /// Messages that wait to be sent, or for the server's answer.
    public var waitingMessages: Int { core.value.waitingMessages }

    /// Closes: sequences end with nil, what waits to be sent fails with `.closed`.
    ///
    /// Goes on to its end even if the task is cancelled. A closed client can't be used again.
    public func close() async { await core.value.close() }

    // MARK: Groups

    /// Joins a group; its messages from then on.
    ///
    /// Ends with nil after ``leave(_:)`` and `close()`, with an error when the server refuses the group, its `cause` a
    /// ``WatchboxClientError``; goes on over a reconnect. Every sequence gets every message. Once nobody reads a group
    /// any more, the client asks for it no longer.
    ///
    /// - Parameters:
    ///   - group: Any text; `server` for the answers of the server's application.
    ///   - limit: Messages that may wait.
    ///   - policy: `.suspend` asks the server for no more of this group while the reader is behind, so that the
    ///     server's own limit applies, of which nobody is told; the others lose messages here, announced as `.gap`.
    public nonisolated func join(
        _ group: String,
        limit: Int = 1_024,
        onOverflow policy: OverflowPolicy = .suspend
    ) -> Queue<Message> {
        let maxBytes = max(2 * configuration.maxAnswerBytes, 64 * 1024)
        let queue = Queue<Message>(
            .init(limit: limit, maxBytes: maxBytes, size: { $0.json.bytes.count }, policy: policy)
        )
        let number = nextNumber()
        let (core, loop) = (core, loop)
        loop.execute { core.value.join(group, queue, number: number, isLossless: policy == .suspend) }
        // A loop over it may be the last that uses the client, which must not end under it.
        return queue.consumerEnd { [self] in
            loop.execute { core.value.drop(number, of: group) }
            withExtendedLifetime(self) {}
        }
    }

    /// Ends all sequences of a group, and asks for it no longer.
    ///
    /// The protocol has no way to tell the server, which goes on keeping messages within its limits: joining again soon
    /// may bring them.
    public nonisolated func leave(_ group: String) {
        let (core, loop) = (core, loop)
        loop.execute { core.value.leave(group) }
    }

    /// The answers of the server's application: the group `server`.
    public nonisolated var replies: Queue<Message> { join(Self.serverGroup) }

    /// What happens between client and server from now on; the newest 256 wait for a reader.
    public nonisolated var events: Queue<Event> {
        let queue = Queue<Event>(.init(limit: 256, policy: .dropOldest))
        let number = nextNumber()
        let (core, loop) = (core, loop)
        loop.execute { core.value.listen(queue, number: number) }
        return queue.consumerEnd { [self] in
            loop.execute { core.value.stopListening(number) }
            withExtendedLifetime(self) {}
        }
    }

    private nonisolated func nextNumber() -> UInt64 {
        lastListener.withLock { number in
            number &+= 1
            return number
        }
    }

    // MARK: Sending

    /// Publishes to all members of a group; the server decides whether that includes this client.
    ///
    /// Returns once the server has it. Waits until the client is registered.
    ///
    /// - Parameters:
    ///   - message: JSON as it is, a text as a JSON string, bytes as one of base64.
    ///   - group: Any text but `server`.
    /// - Throws: ``WatchboxClientError`` `.badData`, `.tooLarge`, `.queueFull`; `.refused` by the server;
    ///   `.unconfirmed` when the answer was lost; `.closed`, `.cancelled`.
    public func publish(_ message: Payload, to group: String) async throws(WatchboxClientError) {
        guard group != Self.serverGroup else {
            throw WatchboxClientError(.refused, "nobody but the server publishes to the group 'server'")
        }
        let json = try WatchboxClientForm.json(message, maxBytes: configuration.maxMessageBytes)
        var body: [UInt8] = []
        WatchboxClientForm.appendGroup(group, to: &body)
        WatchboxClientForm.appendText(json, to: &body)
        switch try await core.value.send("brdcst", body) {
        case .broadcast: break
        case .refused: throw WatchboxClientError(.refused, "the server refuses the message")
        case let code: throw WatchboxClientError(.badAnswer, "the server answered \(code.rawValue) to a message")
        }
    }

    /// Publishes a text; as ``publish(_:to:)-(Payload,_)``.
    public func publish(_ text: String, to group: String) async throws(WatchboxClientError) {
        try await publish(.text(text), to: group)
    }

    /// Sends a message to the server's application, which may answer in ``replies``.
    ///
    /// Waits and throws as ``publish(_:to:)-(Payload,_)``, but for `.refused`, which is an answer.
    ///
    /// - Parameter message: JSON as it is, a text as a JSON string, bytes as one of base64.
    /// - Returns: What the server said.
    @discardableResult
    public func send(_ message: Payload) async throws(WatchboxClientError) -> Answer {
        let json = try WatchboxClientForm.json(message, maxBytes: configuration.maxMessageBytes)
        var body: [UInt8] = []
        WatchboxClientForm.appendText(json, to: &body)
        switch try await core.value.send("server", body) {
        case .taken: return .taken
        case .noHandler: return .noHandler
        case .refused: return .refused
        case let code: throw WatchboxClientError(.badAnswer, "the server answered \(code.rawValue) to a message")
        }
    }

    /// Sends a text to the server's application; as ``send(_:)-(Payload)``.
    @discardableResult
    public func send(_ text: String) async throws(WatchboxClientError) -> Answer { try await send(.text(text)) }
}
