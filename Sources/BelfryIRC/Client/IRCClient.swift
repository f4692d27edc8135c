// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import BelfryIO
public import Logging

/// An IRC client: one scope, a sequence of what the server says, and a few verbs.
///
///     try await IRCClient.withConnection(to: "127.0.0.1", as: .init(nickname: "belfry")) { client in
///         let messages = await client.messages()
///         try await client.join("#tea")
///         try await client.send("hello", to: "#tea")
///         for try await case .element(let message) in messages where message.command == "PRIVMSG" {
///             print(message.sender, message.target, message.text)
///         }
///     }
///
/// - A connection that breaks is mended, with pauses that grow, and its channels are joined again. What is sent
///   meanwhile waits, within bounds.
/// - Lines go out at a pace that servers bear, in turns for each channel or person. What was handed to the kernel before a connection broke may be lost:
///   IRC gives no receipts.
/// - Listeners never hold the connection up: one that falls behind loses the oldest messages, and is told (`.gap`).
///
/// The actor lives on an event loop of its own, which ends with the scope.
public actor IRCClient: LoopBound {
    /// The loop that serves the client.
    public nonisolated let loop: EventLoop
    /// The bounds.
    public nonisolated let configuration: Configuration
    nonisolated let endpoint: Endpoint
    nonisolated let logger: Logger

    var machine: IRCClientMachine
    var outbox: IRCOutbox
    var pace: IRCPace
    var counters = IRCStatistics()
    var listeners = IRCListeners()
    /// Wakes the task that sends.
    let sending = Parker<Void>()
    /// Woken when nothing is queued any more, and when a connection is gone.
    let drained = Parker<Void>()
    /// Woken by the first registration, or by the failure that makes it impossible.
    let standing = Parker<Void>()
    /// Woken when the server lets the connection in that stands.
    var welcome = Parker<Void>()
    var joiners: [(channel: String, parker: Parker<Result<Void, IRCError>>)] = []
    /// Why the connection that ends now, or ended last, did.
    var failure: IRCError?
    var isQuitting = false
    var hasEnded = false
    var isLinked = false

    private init(
        _ endpoint: Endpoint,
        _ identity: Identity,
        _ configuration: Configuration,
        _ loop: EventLoop,
        _ logger: Logger
    ) {
        self.loop = loop
        self.configuration = configuration
        self.endpoint = endpoint
        self.logger = logger
        machine = IRCClientMachine(identity, capabilities: configuration.capabilities)
        outbox = IRCOutbox(
            maxLines: configuration.maxQueuedLines,
            maxLinesPerTarget: configuration.maxQueuedLinesPerTarget
        )
        pace = IRCPace(burst: configuration.burst, interval: configuration.lineInterval)
    }

    // MARK: Scope

    /// Connects, waits until the server lets the client in, runs `body`, and says goodbye.
    ///
    /// When `body` returns, what is queued is sent within `quitTimeout`; when it throws, it is dropped. Either way the
    /// server hears QUIT. Only the first connection has to come about at once; from then on the client comes back by
    /// itself.
    ///
    /// - Parameters:
    ///   - host: A name, or an IPv4 or IPv6 address.
    ///   - port: The server's port.
    ///   - identity: Who the client is.
    ///   - io: Which engine.
    ///   - configuration: The bounds.
    ///   - logger: Hears of connections that break and of lines that are lost.
    ///   - body: Uses the client, which must not leave it.
    /// - Returns: What `body` returns.
    /// - Throws: ``IRCError`` `.badName`, `.connectFailed`, `.refused` or `.timedOut`; what `body` throws.
    public static func withConnection<Result>(
        to host: String,
        port: UInt16 = 6_667,
        as identity: Identity,
        io: IOChoice = .automatic,
        configuration: Configuration = .init(),
        logger: Logger = Logger(label: "belfry.irc"),
        _ body: (IRCClient) async throws -> Result
    ) async throws -> Result {
        let endpoint = try endpoint(host, port)
        try check(identity)
        return try await EventLoopGroup.withOwnLoop(io, logger: logger) { loop in
            let client = IRCClient(endpoint, identity, configuration, loop, logger)
            let life = Task(executorPreference: loop) { await client.live() }
            do {
                try await client.waitUntilRegistered()
                let result = try await body(client)
                await client.finish(life, isFlushing: true)
                return result
            } catch {
                await client.finish(life, isFlushing: false)
                throw error
            }
        }
    }

    private static func endpoint(_ host: String, _ port: UInt16) throws(IRCError) -> Endpoint {
        if let address = SocketAddress(numericHost: host, port: port) { return .address(address) }
        do throws(IOError) {
            return try Endpoint(parsing: "\(host):\(port)")
        } catch {
            throw IRCError(.badName, error.message, cause: error)
        }
    }

    private static func check(_ identity: Identity) throws(IRCError) {
        guard IRCNames.isNickname(identity.nickname) else {
            throw IRCError(.badName, "'\(identity.nickname.prefix(80))' is no nickname")
        }
        guard IRCNames.isTarget(identity.username), !identity.username.contains("@") else {
            throw IRCError(.badName, "'\(identity.username.prefix(80))' is no user's name")
        }
        _ = try IRCMessage("USER", [identity.username, "0", "*", identity.realName]).encoded()
        if let password = identity.password { _ = try IRCMessage("PASS", [password]).encoded() }
    }

    // MARK: Listening

    /// What the server says, from now on, but PING and PONG.
    ///
    /// Each call has a sequence of its own, which ends with the client: with a failure when it gave up coming back.
    ///
    /// - Parameter limit: Messages that may wait; then the oldest are lost, announced as `.gap`.
    public func messages(limit: Int = 1_000) -> Queue<IRCMessage> {
        listen(limit) { if case .message(let message) = $0 { message } else { nil } }
    }

    /// What the server says and what becomes of the connection, from now on; otherwise as ``messages(limit:)``.
    public func events(limit: Int = 1_000) -> Queue<IRCEvent> { listen(limit) { $0 } }

    private func listen<Value>(_ limit: Int, _ select: @escaping (IRCEvent) -> Value?) -> Queue<Value> {
        let queue = Queue<Value>(.init(limit: limit, policy: .dropOldest))
        guard !hasEnded else {
            queue.close()
            return queue.consumerEnd {}
        }
        let number = listeners.add(queue, select)
        return queue.consumerEnd { [weak self, loop] in
            loop.execute { self?.assumeIsolated { $0.listeners.remove(number) } }
        }
    }

    /// The name under which the server knows the client at this moment.
    public var nickname: String { machine.nickname }

    /// Whether a server has let the client in, and the connection stands.
    public var isRegistered: Bool { machine.isRegistered }

    /// The channels that the client is in, in the order of their names.
    public var channels: [String] { machine.joinedChannels }

    /// What the client has done, and what was lost.
    public var statistics: IRCStatistics {
        var result = counters
        result.queuedLines = outbox.count
        return result
    }
}
