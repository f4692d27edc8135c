// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import BelfryIO
public import Logging

/// A MissionCommander server on a broker: original clients connect unmodified, and share a room with every protocol.
///
///     let server = Server(broker: broker, interface: "127.0.0.1", port: 30000)
///     try await server.start()
///     try await server.send(to: .all, Message(subject: "echo", payload: .json(#"{"message": "hello!"}"#)))
///
/// All clients are in one room of the broker: what anybody publishes there reaches them, with the event as subject.
/// What is sent to one client and to all arrives in the order in which it was sent. A client whose link breaks is known
/// for as long as the server runs: what is sent meanwhile waits, within bounds, until it connects again with its id, and
/// so does what was queued for the broken link. What the kernel had taken is gone with the link, as is the one send (of
/// 256 KiB at most) that it was just being given; but ``Client`` resumes: it says where it is, and gets what was sent to
/// all from there on, out of the room's history, also after a restart with a store.
public actor Server: LoopBound {
    /// The loop that orders the room's messages.
    public nonisolated let loop: EventLoop
    private nonisolated let broker: Broker
    nonisolated let shared: ServerShared
    private var settings: (interface: String?, port: Int?)
    private var state = State.stopped(wasStarted: false)
    /// Held, so that the room stays the same one.
    private var room: Room?
    private var stateCallbacks: [@Sendable (Bool, Bool) async -> Void] = []

    private enum State {
        case stopped(wasStarted: Bool)
        case starting
        case running(listener: UInt64, SocketAddress)
        case stopping
    }

    /// Makes a server; it listens after ``start()``.
    ///
    /// - Parameters:
    ///   - broker: Has the room and the loops.
    ///   - interface: Where to listen, as ``Property/interface`` says; may be set later.
    ///   - port: The port, from 0 to 65535; may be set later.
    ///   - configuration: Every default is stated there.
    ///   - logger: Hears what an operator wants to know; nil takes the broker's.
    public init(
        broker: Broker,
        interface: String? = nil,
        port: Int? = nil,
        configuration: Configuration = .init(),
        logger: Logger? = nil
    ) {
        self.broker = broker
        settings = (interface == "*" ? "" : interface, port)
        shared = ServerShared(configuration: configuration, broker: broker, logger: logger)
        loop = broker.shared.loops[broker.shared.home(of: configuration.room)]
        shared.logger.debug("Server inited")
    }

    /// What it logs to.
    public nonisolated var logger: Logger { shared.logger }

    // MARK: Properties

    /// Where it listens, as ``Property/interface`` says; empty for all addresses, nil while unset.
    public var interface: String? { settings.interface }

    /// The port that was asked for; nil while unset.
    ///
    /// ``address`` has the one that the kernel chose for 0.
    public var port: Int? { settings.port }

    /// Sets ``interface``; `*` becomes empty.
    ///
    /// - Throws: ``MissionCommanderError`` `.running`.
    public func setInterface(_ interface: String?) throws(MissionCommanderError) {
        try checkStopped(before: "interface")
        settings.interface = interface == "*" ? "" : interface
    }

    /// Sets ``port``.
    ///
    /// - Throws: ``MissionCommanderError`` `.running`; `.invalidValue` unless it is from 0 to 65535.
    public func setPort(_ port: Int) throws(MissionCommanderError) {
        try checkStopped(before: "port")
        settings.port = try PropertyValue.integer(port).port("Port", in: 0...65_535)
    }

    /// Sets a property by name.
    ///
    /// - Throws: ``MissionCommanderError`` `.running`; `.invalidValue` for a value of another type or out of bounds.
    public func set(_ property: Property, to value: PropertyValue) throws(MissionCommanderError) {
        try checkStopped(before: property.rawValue)
        switch property {
        case .interface: try setInterface(value.text("Interface"))
        case .port: try setPort(value.port("Port", in: 0...65_535))
        }
    }

    /// A property by name; `.null` while it is unset.
    public func get(_ property: Property) -> PropertyValue {
        switch property {
        case .interface: PropertyValue(settings.interface)
        case .port: PropertyValue(settings.port)
        }
    }

    private func checkStopped(before what: String) throws(MissionCommanderError) {
        if case .stopped = state { return }
        throw MissionCommanderError(.running, "Server must be stopped before setting \(what)")
    }

    // MARK: Life

    /// Whether it listens.
    public var isRunning: Bool { address != nil }

    /// `Running` or `Stopped`.
    public var status: String { isRunning ? "Running" : "Stopped" }

    /// Where it listens, with the port that the kernel chose for port 0; nil unless it runs.
    public var address: SocketAddress? {
        if case .running(_, let address) = state { address } else { nil }
    }

    /// Listens.
    ///
    /// - Returns: ``address``.
    /// - Throws: ``MissionCommanderError`` `.notSet` without an interface or a port, `.running`, and `.startFailed` with
    ///   the reason, as that the port is taken.
    @discardableResult
    public func start() async throws(MissionCommanderError) -> SocketAddress? {
        guard case .stopped(let wasStarted) = state else {
            throw MissionCommanderError(.running, "Server is already running")
        }
        guard let interface = settings.interface else { throw MissionCommanderError(.notSet, "Interface not set") }
        guard let number = settings.port else { throw MissionCommanderError(.notSet, "Port not set") }
        let port = try PropertyValue.integer(number).port("Port", in: 0...65_535)
        state = .starting
        shared.setOpen(true)
        let bound: (number: UInt64, address: SocketAddress)
        do throws(MissionCommanderError) {
            bound = try await listen(on: interface, UInt16(clamping: port))
        } catch {
            shared.setOpen(false)
            state = .stopped(wasStarted: wasStarted)
            throw error
        }
        state = .running(listener: bound.number, bound.address)
        shared.logger.info("Server started", metadata: ["address": "\(bound.address)"])
        await tellState(false, true)
        return bound.address
    }

    private func listen(
        on interface: String,
        _ port: UInt16
    ) async throws(MissionCommanderError) -> (number: UInt64, address: SocketAddress) {
        let address: SocketAddress
        do throws(IOError) {
            address = try await ServerAddress.resolve(interface, port)
        } catch {
            throw MissionCommanderError(.startFailed, error.message, cause: error)
        }
        do throws(BelfryError) {
            room = try await broker.room(shared.room)
            // The protocol has no heartbeat: the kernel notices peers that are gone (MissionCommander wire, §11).
            return try await broker.listen(on: address, frontEnd: shared)
        } catch {
            throw MissionCommanderError(error.code == .closed ? .closed : .startFailed, error.message, cause: error)
        }
    }

    /// Stops: tells every client at once, behind what was sent to it, and closes when it has closed, or after
    /// `stopTimeout` for all together.
    ///
    /// Returns when all are gone. Known ids are forgotten. Stopping again has no effect; ``start()`` may be called again.
    ///
    /// - Throws: ``MissionCommanderError`` `.notStarted` when it never was.
    public func stop() async throws(MissionCommanderError) {
        switch state {
        case .stopped(wasStarted: false): throw MissionCommanderError(.notStarted, "Server was never started")
        case .stopped, .stopping: return
        case .starting: throw MissionCommanderError(.notStarted, "Server is starting")
        case .running(let listener, _):
            state = .stopping
            await broker.stopListening(listener)
            await endConnections()
            room = nil
            state = .stopped(wasStarted: true)
            shared.logger.info("Server stopped")
            await tellState(true, false)
        }
    }

    private func endConnections() async {
        shared.setOpen(false)
        let context = broker.shared.context(broker.shared.home(of: shared.room)).value
        let name = shared.name
        shared.atHome(context) { $0.stop($1) }
        // Handed over, so that it comes behind everything that was sent before, in this very turn too.
        context.settle()
        for index in broker.shared.loops.indices {
            context.toLoop(index) { context in
                for connection in Array(context.connections.values) where connection.frontEnd.name == name {
                    connection.handler?.drain()
                }
            }
        }
        let waiter = Parker<Void>()
        shared.whenEmpty(waiter)
        // Each connection ends itself in time; this is for loops that have stopped.
        let timer = loop.schedule(after: shared.configuration.stopTimeout + .seconds(1), waking: waiter, with: ())
        // A stop goes on to its end even if the calling task is cancelled.
        await Task(executorPreference: loop) { _ = await waiter.park() }.value
        loop.cancel(timer)
    }

    /// Calls `callback` after every start and stop, off the event loops, with whether it was and whether it is running.
    ///
    /// ``start()`` and ``stop()`` return when all callbacks have, in order of subscription.
    public func subscribeToStateUpdate(_ callback: @escaping @Sendable (_ was: Bool, _ isRunning: Bool) async -> Void) {
        stateCallbacks.append(callback)
    }

    private func tellState(_ was: Bool, _ isRunning: Bool) async {
        guard !stateCallbacks.isEmpty else { return }
        let callbacks = stateCallbacks
        await Task.detached {
            for callback in callbacks { await callback(was, isRunning) }
        }.value
    }

    // MARK: To clients

    /// Sends to one client or to all.
    ///
    /// For those that are away it waits. Returns once the message has its place in the order, not once it was sent.
    ///
    /// - Returns: false when the id was never seen.
    /// - Throws: ``MissionCommanderError`` `.invalidSubject` when the subject does not fit into a header or is
    ///   `shutdown`, which only ``stop()`` says; `.notStarted` unless it runs; `.invalidPayload` above the broker's
    ///   `maxMessageBytes`; `.closed` when the broker has stopped.
    @discardableResult
    public func send(to recipient: Recipient, _ message: Message) async throws(MissionCommanderError) -> Bool {
        guard isRunning, let room else { throw MissionCommanderError(.notStarted, "Server is not running") }
        guard message.subject != NegotiationMachine.Subject.shutdown else {
            throw MissionCommanderError(.invalidSubject, "The subject 'shutdown' ends clients; stopping says it")
        }
        let frame = try FrameEncoder.frame(subject: message.subject, payload: message.payload)
        switch recipient {
        case .all:
            do throws(BelfryError) {
                try await room.publish(event: message.subject, message.payload)
            } catch {
                let code = error.code == .closed ? MissionCommanderError.Code.closed : .invalidPayload
                throw MissionCommanderError(code, error.message, cause: error)
            }
            return true
        case .id(let id):
            guard send(frame, to: id) else {
                shared.logger.warning("Unknown client ID \(id)")
                return false
            }
            return true
        }
    }

    private func send(_ frame: [UInt8], to id: String) -> Bool {
        let context = broker.shared.context(broker.shared.home(of: shared.room)).value
        return shared.withRegistry { $0.send(frame, to: id, context) } ?? false
    }

    // MARK: From clients

    /// Clients that come and go, from now on; at most 1,024 changes wait for a slow reader, then the oldest go.
    public nonisolated var clients: Queue<ClientChange> { shared.changes.add(Queue(.init(limit: 1_024))) }

    /// What clients say, from now on, in the order of each client.
    ///
    /// At most 4,096 messages or 16 MiB wait for a slow reader, then the oldest go, announced as `.gap`: nobody is held
    /// up.
    public nonisolated var messages: Queue<ReceivedMessage> {
        shared.messages.add(
            Queue(
                .init(
                    limit: 4_096,
                    maxBytes: 16 * 1024 * 1024,
                    size: { $0.message.payload.bytes.count + $0.message.subject.utf8.count }
                )
            )
        )
    }

    /// The ids that are known, and whether each is connected.
    public var knownIDs: [String: Bool] { shared.withRegistry { $0.known } ?? [:] }

    /// Connections that are open, whether they have said who they are or not.
    package var openConnections: Int { shared.openConnections }

    /// What the server counted.
    public var statistics: Statistics { shared.withRegistry { $0.statistics } ?? Statistics() }
}
