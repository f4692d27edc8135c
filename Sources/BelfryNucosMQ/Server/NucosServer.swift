// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import BelfryIO

/// A nucosMQ server on a broker: original clients connect unmodified, and share rooms with every other protocol.
///
///     let server = NucosServer(broker: broker, configuration: .init(address: .loopback(port: 4000)))
///     let address = try await server.start()
///     for try await case .element(let event) in server.events() { print(event.event, event.content.text) }
///
/// Rooms are the broker's; a client's uid names a room that only it is in.
public actor NucosServer: LoopBound {
    /// The broker's first loop.
    public nonisolated let loop: EventLoop
    private nonisolated let broker: Broker
    let shared: NucosShared
    private var listener: UInt64?
    private var datagrams: LoopConfined<NucosDatagrams>?
    private var callbacks: NucosCallbacks?
    /// Where it listens; nil unless started.
    public private(set) var address: SocketAddress?

    /// Makes a server; it listens after ``start()``.
    public init(broker: Broker, configuration: NucosServerConfiguration = .init()) {
        self.broker = broker
        loop = broker.loop
        shared = NucosShared(
            configuration: configuration,
            number: broker.shared.uniqueNumber(),
            logger: broker.shared.logger
        )
    }

    // MARK: Life

    /// Listens.
    ///
    /// Returns the address, with the port that the kernel chose for port 0.
    ///
    /// - Throws: ``BelfryError`` `.startFailed`, as when the port is taken.
    @discardableResult
    public func start() async throws(BelfryError) -> SocketAddress {
        if let address { return address }
        guard !shared.configuration.udp else { return try startDatagrams() }
        let bound = try await broker.listen(on: shared.configuration.address, frontEnd: shared)
        listener = bound.number
        address = bound.address
        return bound.address
    }

    private func startDatagrams() throws(BelfryError) -> SocketAddress {
        let receiver = NucosDatagrams(shared: shared, loop: loop)
        do throws(IOError) {
            let bound = try receiver.bind()
            datagrams = LoopConfined(onLoop: receiver, loop)
            address = bound
            return bound
        } catch {
            throw BelfryError(.startFailed, error.message)
        }
    }

    /// Stops listening, tells every client `shutdown now` and closes it when it confirmed, or after a second.
    ///
    /// ``start()`` may be called again.
    public func close() async {
        if let datagrams {
            self.datagrams = nil
            address = nil
            await datagrams.value.close()
        }
        guard let number = listener else { return }
        listener = nil
        address = nil
        await broker.stopListening(number)
        await broker.shared.forEachConnection(of: shared.name) { $0.handler?.drain() }
    }

    // MARK: Events from clients

    /// The events that clients send to the server, from now on, in the order of each client.
    ///
    /// - Parameters:
    ///   - limit: Events that may wait.
    ///   - policy: `.suspend` holds the clients back; the others lose events, announced as `.gap`.
    public nonisolated func events(
        limit: Int = 4_096,
        onOverflow policy: OverflowPolicy = .suspend
    ) -> Queue<NucosEvent> {
        shared.addListener(Queue<NucosEvent>(.init(limit: limit, policy: policy)))
    }

    /// Calls `handler` with the content of every event of this name, or of every event for `all`.
    ///
    /// Handlers run one after the other, off the event loops, in order of registration.
    public func on(event: String, _ handler: @escaping @Sendable (Payload) async -> Void) {
        dispatcher().add(.event(event), handler)
    }

    /// Calls `handler` with the content of every message of a room.
    public func on(room: String, _ handler: @escaping @Sendable (Payload) async -> Void) async throws(BelfryError) {
        dispatcher().add(.room(room), handler)
        try await dispatcher().follow(broker.room(room))
    }

    /// Calls `handler` with the content of every message of a room with this event, or every event for `all`.
    public func on(
        room: String,
        event: String,
        _ handler: @escaping @Sendable (Payload) async -> Void
    ) async throws(BelfryError) {
        dispatcher().add(.roomEvent(room, event), handler)
        try await dispatcher().follow(broker.room(room))
    }

    private func dispatcher() -> NucosCallbacks {
        if let callbacks { return callbacks }
        let made = NucosCallbacks(events: events(limit: shared.configuration.maxQueuedEvents), tasks: shared.tasks)
        callbacks = made
        return made
    }

    // MARK: To clients

    /// Publishes to a room, or to one client by its uid.
    ///
    /// Never waits.
    ///
    /// - Throws: ``BelfryError`` as ``Room/publish(event:_:)`` says.
    public func publish(room: String, event: String, content: Payload) async throws(BelfryError) {
        try await broker.room(room).publish(event: event, content)
    }

    /// Sends to one client.
    ///
    /// - Returns: false when it is not connected; true also while its handshake runs: then it is sent afterwards.
    public func send(
        to session: SessionID,
        event: String,
        content: Payload,
        room: String? = nil
    ) async -> Bool {
        let frame = Self.frame(event, content, room)
        return await broker.shared.withConnection(session) { connection in
            guard let handler = connection.handler as? NucosConnection else { return false }
            handler.send(frame)
            return true
        } ?? false
    }

    /// Sends to every client; to those in a handshake once it is over.
    public func sendAll(event: String, content: Payload) async {
        let frame = Self.frame(event, content, nil)
        await broker.shared.forEachConnection(of: shared.name) { ($0.handler as? NucosConnection)?.send(frame) }
    }

    private static func frame(_ event: String, _ content: Payload, _ room: String?) -> [UInt8] {
        var frame: [UInt8] = []
        NucosFormat().encode(room: room ?? "", event: event, payload: content, into: &frame)
        return frame
    }

    /// Whether a client answers a `ping` within `timeout`.
    public func ping(_ session: SessionID, timeout: Duration = .seconds(5)) async -> Bool {
        let waiter = Parker<Bool>()
        let isSent: Void? = await broker.shared.withConnection(session) { connection in
            (connection.handler as? NucosConnection)?.ping(waiter)
            return ()
        }
        guard isSent != nil else { return false }
        let timer = Task {
            try? await Task.sleep(for: timeout)
            waiter.unpark(false)
        }
        defer { timer.cancel() }
        guard case .value(let answer) = await waiter.park() else { return false }
        return answer
    }

    /// The session of a client by its uid; waits for it to come, at most `timeout`.
    ///
    /// `anonymous` stands for the client that came first, whoever it is.
    public func session(uid: String, timeout: Duration = .seconds(5)) async -> SessionID? {
        if uid == "anonymous" { return await firstSession(timeout: timeout) }
        if let session = await broker.shared.owner(of: uid) { return session }
        guard let room = try? await broker.room(uid) else { return nil }
        let changes = await room.presence()
        if let session = await broker.shared.owner(of: uid) { return session }
        let timer = Task {
            try? await Task.sleep(for: timeout)
            changes.close()
        }
        defer { timer.cancel() }
        do {
            for try await case .element(let change) in changes where change.kind == .joined {
                if let session = await broker.shared.owner(of: uid) { return session }
            }
        } catch {
            return nil
        }
        return nil
    }

    private func firstSession(timeout: Duration) async -> SessionID? {
        if let session = shared.firstSession { return session }
        let waiter = Parker<Void>()
        let timer = loop.schedule(after: timeout, waking: waiter, with: ())
        await shared.waitForOpening(waiter)
        loop.cancel(timer)
        return shared.firstSession
    }

    /// Whether a client is connected and through its handshake.
    public func isConnected(_ session: SessionID) async -> Bool {
        await broker.shared.withConnection(session) { ($0.handler as? NucosConnection)?.isOpen ?? false } ?? false
    }

    /// Puts a client into a room.
    ///
    /// - Returns: false when no client has this uid, or the room is another client's.
    public func join(room: String, uid: String) async -> Bool {
        guard let session = await broker.shared.owner(of: uid) else { return false }
        if await broker.shared.owner(of: room) != nil { return room == uid }
        let format = shared.format
        return await broker.shared.withConnection(session) { connection in
            connection.join(room, format: format)
            return true
        } ?? false
    }
}
