// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import BelfryIO
import BelfryJSON
public import Logging

/// A nucosMQ client: talks to servers of the library and to original ones.
///
///     let client = try NucosClient(host: "127.0.0.1", port: 4000)
///     try await client.start()
///     await client.publish(room: "weather", event: "today", content: .jsonString("sunny"))
///     for try await case .element(let message) in client.room("weather").messages { print(message.content.text) }
///
/// What arrives goes, in its order, to callbacks (``on(event:_:)`` and its kin) and to async sequences
/// (``events(_:limit:onOverflow:)``, ``room(_:)``). Register before ``start(timeout:)`` to miss nothing.
///
/// An actor on an event loop: one of its own, or one of a group that several clients share. A client that nobody holds
/// any more closes at once.
public actor NucosClient: LoopBound {
    /// Answers a challenge with a signature, both any JSON; a text counts as a JSON string, an error closes.
    ///
    /// Runs off the event loop; an original server waits 1.0 s for the answer.
    public typealias Signer = @Sendable (_ challenge: Payload) async throws -> Payload

    /// The loop that serves the socket; the actor lives on it.
    public nonisolated let loop: EventLoop
    /// What the client calls itself when the server asks; empty for nothing.
    public nonisolated let uid: String
    /// Answers challenges; nil for a client that cannot.
    public nonisolated let onChallenge: Signer?
    /// How it was set up.
    public nonisolated let configuration: NucosClientConfiguration

    private nonisolated let endpoint: Endpoint
    private nonisolated let ownGroup: EventLoopGroup?
    nonisolated let logger: Logger
    private nonisolated let tasks = TaskPool()
    private nonisolated let callbacks: NucosClientCallbacks
    nonisolated let inbox: LoopConfined<NucosClientInbox>
    private nonisolated let numbers = Lock<UInt64>(0)

    private var connection: LoopConfined<NucosClientConnection>?
    private var isConnecting = false
    /// Counts starts and closes: whatever waited across one of them is out of date.
    private var era: UInt64 = 0
    private var idleTimeout = Duration.seconds(60)
    var rooms: Set<String> = []
    private var hasOpened = false
    private var since = ContinuousClock.now
    var reconnecting: Task<Void, Never>?
    /// Attempts to come back since a connection lasted.
    var attempts = 0
    private var scratch: [UInt8] = []

    /// Makes a client; it connects by ``start(timeout:)``.
    ///
    /// - Parameters:
    ///   - host: A name, or an IPv4 or IPv6 address.
    ///   - port: The server's port.
    ///   - uid: What the client calls itself; empty for a client without a name.
    ///   - configuration: Every default is stated at ``NucosClientConfiguration``.
    ///   - io: Which engine, for an event loop of its own.
    ///   - group: Whose loops to use instead, one of them at random; it must outlive the client's connections.
    ///   - logger: Hears of connections that end and of what the server does wrong.
    ///   - onChallenge: Answers the server's challenge; without it, or a uid, servers that ask are left.
    /// - Throws: ``IOError`` `.badAddress`, `.unavailable` when an explicit engine cannot be had.
    public init(
        host: String,
        port: UInt16,
        uid: String = "",
        configuration: NucosClientConfiguration = .init(),
        io: IOChoice = .automatic,
        group: EventLoopGroup? = nil,
        logger: Logger = Logger(label: "belfry.nucosmq"),
        onChallenge: Signer? = nil
    ) throws(IOError) {
        endpoint = try Self.endpoint(host, port)
        ownGroup = group == nil ? try EventLoopGroup(io, count: 1, logger: logger) : nil
        guard let loop = (group ?? ownGroup)?.loops.randomElement() else {
            throw IOError(.unavailable, "the group has no event loop")
        }
        self.loop = loop
        self.uid = uid
        self.configuration = configuration
        self.logger = logger
        self.onChallenge = onChallenge
        let limit = max(1, configuration.maxQueuedMessages)
        let callbacks = NucosClientCallbacks(limit: limit)
        self.callbacks = callbacks
        let asks = configuration.asksForPositions
        let inbox = NucosClientInbox(callbacks: callbacks, maxQueued: limit, asksForPositions: asks)
        self.inbox = LoopConfined(inbox, to: loop)
    }

    static func endpoint(_ host: String, _ port: UInt16) throws(IOError) -> Endpoint {
        if let address = SocketAddress(numericHost: host, port: port) { return .address(address) }
        return try Endpoint(parsing: "\(host):\(port)")
    }

    deinit {
        tasks.cancelAll()
        let (connection, inbox, group) = (connection, inbox, ownGroup)
        loop.execute {
            connection?.value.abort()
            inbox.value.end(NucosDisconnection(.closed, "the client was dropped"))
            for loop in group?.loops ?? [] { loop.stop() }
        }
    }

    // MARK: Life

    /// Connects; returns once the connection stands, while a handshake may still run (``ready(timeout:)`` waits for it).
    ///
    /// May be called again after ``close()``, and after the connection was lost. Does nothing while connected.
    ///
    /// - Parameter timeout: For connecting; and how long nothing may come before the server is asked whether it lives.
    /// - Throws: ``IOError`` as `.refused`, `.timedOut`, `.nameNotResolved`; `.closed` when closed or cancelled
    ///   meanwhile, or when another call is under way.
    public func start(timeout: Duration = .seconds(60)) async throws(IOError) {
        if isConnected { return }
        if let reconnecting {
            reconnecting.cancel()
            self.reconnecting = nil
            // What it has under way counts no more.
            isConnecting = false
        }
        attempts = 0
        idleTimeout = timeout
        try await connect()
    }

    func connect() async throws(IOError) {
        guard !isConnecting else { throw IOError(.closed, "the client is being started already") }
        isConnecting = true
        era &+= 1
        let current = era
        defer { if current == era { isConnecting = false } }
        let made = try await Connector(on: loop).connect(to: endpoint, timeout: idleTimeout) {
            address,
            timeout throws(IOError) in
            try await attempt(address, timeout)
        }
        guard current == era else {
            made.value.abort()
            throw IOError(.closed, "closed while connecting")
        }
        guard made.value.isUp else { throw IOError(.reset, "connect to \(endpoint): the server closed it at once") }
        connection = made
        hasOpened = false
        since = .now
        made.value.begin()
    }

    private func attempt(
        _ address: SocketAddress,
        _ timeout: Duration
    ) async throws(IOError) -> LoopConfined<NucosClientConnection> {
        let setup = NucosClientConnection.Setup(
            loop: loop,
            configuration: configuration,
            uid: uid,
            canSign: onChallenge != nil,
            idleTimeout: idleTimeout,
            inbox: inbox.value,
            tasks: tasks,
            logger: logger
        )
        let connection = NucosClientConnection(setup, number: nextNumber(), client: self)
        try await connection.connect(to: address, timeout: timeout)
        return LoopConfined(onLoop: connection, loop)
    }

    /// Says `shutdown`, waits for the server's word, at most `closeTimeout`, and closes; sequences end.
    ///
    /// Forgets the subscriptions. Also ends what would reconnect. Goes on to its end even if the task is cancelled.
    public func close() async {
        era &+= 1
        isConnecting = false
        reconnecting?.cancel()
        reconnecting = nil
        rooms = []
        if let connection {
            connection.value.close()
            // In a task of its own, since the caller's may be cancelled and the socket takes its time all the same.
            await Task(executorPreference: loop) { await connection.value.waitUntilGone() }.value
        } else {
            inbox.value.end(NucosDisconnection(.closed, "the client was closed"))
        }
    }

    /// Whether the connection stands, with or without a handshake that is over.
    public var isConnected: Bool { connection?.value.isConnected ?? false }

    /// Whether the server let the client in by its signature.
    public var isAuthenticated: Bool { connection?.value.isAuthenticated ?? false }

    /// Waits until messages may leave: connected, and no handshake running.
    ///
    /// Takes `holdTimeout` where the client could sign and the server does not ask.
    ///
    /// - Returns: false when there is no connection, it ends first, or `timeout` passes.
    @discardableResult
    public func ready(timeout: Duration = .seconds(20)) async -> Bool {
        await connection?.value.waitUntilOpen(timeout: timeout) ?? false
    }

    /// Whether the server answers a `ping` within `timeout`; false at once without a connection.
    ///
    /// Waits for a running handshake before, at most `pingTimeout`.
    public func ping(timeout: Duration = .seconds(10)) async -> Bool {
        guard let connection, await connection.value.waitUntilOpen(timeout: configuration.pingTimeout) else {
            return false
        }
        return await connection.value.ping(timeout: timeout)
    }

    // MARK: Sending

    /// Sends an event to the server's application.
    ///
    /// Waits while more than `maxPendingBytes` wait for the server to take them.
    @discardableResult
    public func send(event: String, content: Payload) async -> NucosSendResult {
        await write(event, content, nil)
    }

    /// Publishes to the members of a room, this client included if it is one.
    ///
    /// Waits as ``send(event:content:)`` does. A server of the library drops it unless the client is in the room.
    @discardableResult
    public func publish(room: String, event: String, content: Payload) async -> NucosSendResult {
        await write(event, content, room)
    }

    private func write(_ event: String, _ content: Payload, _ room: String?) async -> NucosSendResult {
        guard let connection else { return .refused }
        await connection.value.waitForRoom()
        if content.kind == .json, (try? JSONScanner.validate(content.bytes.span)) == nil { return .refused }
        var frame: [UInt8] = []
        swap(&frame, &scratch)
        NucosFormat().encode(room: room ?? "", event: event, payload: content, into: &frame)
        let isSound = frame.count <= configuration.maxFrameBytes
        let result = isSound ? connection.value.send(frame.span) : .refused
        if frame.capacity <= 64 * 1024 {
            frame.removeAll(keepingCapacity: true)
            swap(&frame, &scratch)
        }
        return result
    }

    // MARK: Rooms

    /// Joins a room; the server does not say whether it lets the client in.
    ///
    /// Joining twice is the same as once. Without a connection, or during the handshake, it is done as soon as messages
    /// may leave; and again whenever the client has reconnected.
    @discardableResult
    public func subscribe(_ room: String) -> NucosSendResult {
        guard !room.isEmpty else { return .refused }
        let isNew = rooms.insert(room).inserted
        guard let connection = connection?.value, connection.isOpen else { return .queued }
        if isNew { join(room, on: connection) }
        return .sent
    }

    /// The name that the original gives ``subscribe(_:)``.
    @available(*, deprecated, renamed: "subscribe(_:)")
    @discardableResult
    public func subscripe(_ room: String) -> NucosSendResult { subscribe(room) }

    // MARK: Callbacks

    /// Calls `handler` with the content of every message with this event, or of every message for `all`.
    ///
    /// Handlers run one after the other, off the event loop: for a message those of its room first, then those of its
    /// event, each in order of registration. While they are behind by `maxQueuedMessages`, the socket is paused.
    public func on(event: String, _ handler: @escaping @Sendable (Payload) async -> Void) {
        callbacks.add(event: event, handler)
        startCallbacks()
    }

    /// Calls `handler` with the content of every message of a room; does not subscribe.
    public func on(room: String, _ handler: @escaping @Sendable (Payload) async -> Void) {
        on(room: room, event: "all", handler)
    }

    /// Calls `handler` with the content of every message of a room with this event, or every event for `all`; does not
    /// subscribe.
    public func on(room: String, event: String, _ handler: @escaping @Sendable (Payload) async -> Void) {
        callbacks.add(room: room, event: event, handler)
        startCallbacks()
    }

    /// Calls `handler` whenever messages may leave on a new connection: it stands, and no handshake is running.
    public func onConnect(_ handler: @escaping @Sendable () async -> Void) {
        callbacks.addConnect(handler)
        startCallbacks()
    }

    /// Calls `handler` whenever a connection has ended, behind the messages that came before.
    public func onDisconnect(_ handler: @escaping @Sendable (NucosDisconnection) async -> Void) {
        callbacks.addDisconnect(handler)
        startCallbacks()
    }

    private func startCallbacks() {
        inbox.value.hasCallbacks = true
        callbacks.start(in: tasks)
    }

    // MARK: Sequences

    /// The messages with an event, or all of them, from now on, whether through a room or not.
    ///
    /// Ends with nil after ``close()``, with an error when the connection is lost for good, its `cause` a
    /// ``NucosDisconnection``; goes on over a reconnect.
    ///
    /// - Parameters:
    ///   - event: nil, or `all`, for every event.
    ///   - limit: Messages that may wait.
    ///   - policy: `.suspend` pauses the socket while the reader is behind; the others lose messages, announced as
    ///     `.gap`.
    public nonisolated func events(
        _ event: String? = nil,
        limit: Int = 4_096,
        onOverflow policy: OverflowPolicy = .suspend
    ) -> Queue<NucosMessage> {
        listen(.init(room: nil, event: event), limit, policy)
    }

    /// A room of the server, as this client sees it.
    public nonisolated func room(_ name: String) -> NucosClientRoom { NucosClientRoom(client: self, name: name) }

    nonisolated func listen(
        _ filter: NucosClientInbox.Filter,
        _ limit: Int,
        _ policy: OverflowPolicy
    ) -> Queue<NucosMessage> {
        let limit = max(1, limit)
        let queue = Queue<NucosMessage>(.init(limit: limit, policy: policy, key: { $0.event }))
        let number = nextNumber()
        let (inbox, loop) = (inbox, loop)
        loop.execute {
            inbox.value.add(queue, number: number, filter, limit: limit, isLossless: policy == .suspend)
        }
        return queue.consumerEnd { loop.execute { inbox.value.remove(number) } }
    }

    private nonisolated func nextNumber() -> UInt64 {
        numbers.withLock { number in
            number &+= 1
            return number
        }
    }

    // MARK: From the connection

    /// Messages may leave.
    func opened(_ number: UInt64) {
        guard let connection = connection?.value, connection.number == number else { return }
        for room in rooms.sorted() { join(room, on: connection) }
        if !hasOpened { inbox.value.tell(.connected) }
        hasOpened = true
    }

    /// The server wants a signature.
    func sign(_ challenge: [UInt8], for number: UInt64) {
        guard let onChallenge else { return }
        let logger = logger
        tasks.add { [weak self] in
            var signature: [UInt8]?
            do {
                signature = try await onChallenge(Payload(.json, bytes: challenge)).json
            } catch {
                logger.warning("A challenge could not be signed.", metadata: ["error": "\(error)"])
            }
            await self?.signed(signature, for: number)
        }
    }

    private func signed(_ signature: [UInt8]?, for number: UInt64) {
        guard let connection = connection?.value, connection.number == number else { return }
        connection.signed(signature)
    }

    /// The connection has ended.
    func ended(_ number: UInt64, _ disconnection: NucosDisconnection) {
        guard connection?.value.number == number else { return }
        connection = nil
        if let policy = configuration.reconnect, since.duration(to: .now) >= policy.maxPause { attempts = 0 }
        lost(disconnection)
    }
}
