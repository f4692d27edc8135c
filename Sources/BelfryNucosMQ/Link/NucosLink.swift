// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import BelfryIO
public import Logging

/// Two programs, one connection: one side binds, the other connects, then both do the same (nucosMQ wire, §7).
///
///     let link = NucosLink()
///     await link.on(event: "today") { print($0.text) }
///     guard await link.connect(host: "127.0.0.1", port: 4000) else { return }
///     await link.send(event: "hello", content: .jsonString("world"))
///
/// The side that binds takes one partner at a time and closes further connections at once; after the partner left, the
/// next may come.
public actor NucosLink {
    /// Which side a link is.
    public enum Role: String, Sendable, Hashable {
        /// The one that was bound.
        case server
        /// The one that connected.
        case client
    }

    private enum End {
        case server(NucosServer, Broker, partner: String)
        case client(NucosClient)
    }

    /// How long `send` and `ping` wait for a partner on the side that binds.
    public static let partnerTimeout = Duration.seconds(5)

    /// Which side it is; nil before `bind` or `connect` and after `close`.
    public private(set) var status: Role?
    /// Where the side that binds listens; nil otherwise.
    public private(set) var address: SocketAddress?
    private let io: IOChoice
    private let logger: Logger
    private var end: End?
    /// Whether the end has all callbacks.
    private var isSettled = false
    private var handlers: [(event: String, handler: Handler)] = []

    private typealias Handler = @Sendable (Payload) async -> Void

    /// Makes a link that is neither side yet.
    ///
    /// - Parameters:
    ///   - io: Which engine.
    ///   - logger: Hears why `bind` or `connect` returned false.
    public init(io: IOChoice = .automatic, logger: Logger = Logger(label: "belfry.nucosmq")) {
        self.io = io
        self.logger = logger
    }

    // MARK: Life

    /// Becomes the side that listens.
    ///
    /// - Parameters:
    ///   - host: An IPv4 or IPv6 address.
    ///   - port: 0 lets the kernel choose; ``address`` tells.
    ///   - uid: Which partner to talk to, where there is an authenticator; `anonymous` for whoever comes.
    ///   - authenticator: Who may come in; nil lets everybody in.
    /// - Returns: false, with a log line, when the link is in use or cannot listen.
    @discardableResult
    public func bind(
        host: String,
        port: UInt16,
        uid: String = "anonymous",
        authenticator: (any NucosAuthenticator)? = nil
    ) async -> Bool {
        guard take(.server) else { return false }
        guard let wanted = SocketAddress(numericHost: host, port: port) else {
            return giveUp("'\(host)' is no address")
        }
        var configuration = NucosServerConfiguration(address: wanted, authenticator: authenticator)
        configuration.singleServer = true
        // A partner may be silent for ever.
        configuration.idleTimeout = .seconds(Int64.max)
        var setup = BrokerConfiguration(io: io, loops: 1)
        setup.drainTimeout = .seconds(2)
        do throws(BelfryError) {
            let broker = try Broker(configuration: setup, logger: logger)
            let server = NucosServer(broker: broker, configuration: configuration)
            let count = await register { await server.on(event: $0, $1) }
            do throws(BelfryError) {
                address = try await server.start()
            } catch {
                await broker.shutDown()
                throw error
            }
            end = .server(server, broker, partner: uid)
            await register(from: count) { await server.on(event: $0, $1) }
            isSettled = true
            return true
        } catch {
            return giveUp(error.message)
        }
    }

    /// Becomes the side that connects.
    ///
    /// - Parameters:
    ///   - host: A name, or an IPv4 or IPv6 address.
    ///   - port: The partner's port.
    ///   - uid: What this side calls itself, where the partner asks.
    ///   - onChallenge: Answers the partner's challenge.
    /// - Returns: false, with a log line, when the link is in use or nobody listens there.
    @discardableResult
    public func connect(
        host: String,
        port: UInt16,
        uid: String = "anonymous",
        onChallenge: NucosClient.Signer? = nil
    ) async -> Bool {
        guard take(.client) else { return false }
        do throws(IOError) {
            let client = try NucosClient(
                host: host,
                port: port,
                uid: uid,
                io: io,
                logger: logger,
                onChallenge: onChallenge
            )
            let count = await register { await client.on(event: $0, $1) }
            try await client.start()
            end = .client(client)
            await register(from: count) { await client.on(event: $0, $1) }
            isSettled = true
            return true
        } catch {
            return giveUp(error.message)
        }
    }

    /// Closes the connection in order; the link may be bound or connected again.
    public func close() async {
        guard let end else { return }
        self.end = nil
        isSettled = false
        switch end {
        case .server(let server, let broker, _):
            await server.close()
            await broker.shutDown()
        case .client(let client):
            await client.close()
        }
        status = nil
        address = nil
    }

    /// Registers the callbacks from an index on; those that come meanwhile as well.
    ///
    /// - Returns: How many there are.
    @discardableResult
    private func register(
        from start: Int = 0,
        _ add: (String, @escaping Handler) async -> Void
    ) async -> Int {
        var index = start
        while index < handlers.count {
            await add(handlers[index].event, handlers[index].handler)
            index += 1
        }
        return index
    }

    private func take(_ role: Role) -> Bool {
        guard status == nil else {
            logger.warning("The link is in use.", metadata: ["status": "\(status?.rawValue ?? "-")"])
            return false
        }
        status = role
        return true
    }

    private func giveUp(_ reason: String) -> Bool {
        logger.warning("The link does not stand.", metadata: ["reason": "\(reason)"])
        status = nil
        return false
    }

    // MARK: Messages

    /// Sends an event to the partner.
    ///
    /// The side that binds waits at most ``partnerTimeout`` for one.
    ///
    /// - Returns: false without a partner, or when the content is no JSON.
    @discardableResult
    public func send(event: String, content: Payload) async -> Bool {
        switch end {
        case .server(let server, _, let uid):
            guard content.json != nil, let session = await server.session(uid: uid, timeout: Self.partnerTimeout) else {
                return false
            }
            return await server.send(to: session, event: event, content: content)
        case .client(let client): return await client.send(event: event, content: content).isAccepted
        case nil: return false
        }
    }

    /// Whether the partner answers a `ping`.
    ///
    /// The side that binds waits at most ``partnerTimeout`` for a partner, and as long for the answer, the other side
    /// 10 s.
    public func ping() async -> Bool {
        switch end {
        case .server(let server, _, let uid):
            guard let session = await server.session(uid: uid, timeout: Self.partnerTimeout) else { return false }
            return await server.ping(session)
        case .client(let client): return await client.ping()
        case nil: return false
        }
    }

    /// Whether there is a partner, now.
    public var isConnected: Bool {
        get async {
            switch end {
            case .server(let server, _, let uid): return await server.session(uid: uid, timeout: .zero) != nil
            case .client(let client): return await client.isConnected
            case nil: return false
            }
        }
    }

    /// Calls `handler` with the content of every event of this name, or of every event for `all`; at any time, for this
    /// connection and those to come.
    public func on(event: String, _ handler: @escaping @Sendable (Payload) async -> Void) async {
        handlers.append((event, handler))
        // While it is becoming one side or the other, that registers it.
        guard isSettled else { return }
        switch end {
        case .server(let server, _, _): await server.on(event: event, handler)
        case .client(let client): await client.on(event: event, handler)
        case nil: break
        }
    }
}
