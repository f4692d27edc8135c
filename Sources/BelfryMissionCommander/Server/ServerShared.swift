// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import Logging

/// What all connections of one server share; the front-end that the broker sees.
final class ServerShared: FrontEnd {
    let name: String
    let configuration: Server.Configuration
    let logger: Logger
    let format = MissionCommanderFormat()
    let positionedFormat = MissionCommanderPositionedFormat()
    let messages = ReaderList<Server.ReceivedMessage>()
    let changes = ReaderList<Server.ClientChange>()
    /// The loop that orders the room's messages, by its number; the registry lives there.
    private let home: Int
    private let registry = Lock<LoopConfined<ClientRegistry>?>(nil)
    private let state = Lock(State())

    /// What ends a client for good.
    static let shutdownFrame =
        (try? FrameEncoder.frame(subject: NegotiationMachine.Subject.shutdown, payload: .json("{}"))) ?? []

    private struct State: ~Copyable {
        var isOpen = false
        var connections = 0
        var waiters: [Parker<Void>] = []
    }

    init(configuration: Server.Configuration, broker: Broker, logger: Logger?) {
        self.configuration = configuration
        self.logger = logger ?? broker.shared.logger
        // Told apart from a second server on the same broker.
        name = "missioncommander-\(broker.shared.uniqueNumber())"
        home = broker.shared.home(of: configuration.room)
        let loop = broker.shared.loops[home]
        registry.withLock { $0 = LoopConfined(ClientRegistry(self), to: loop) }
    }

    var room: String { configuration.room }

    /// How a connection gets the room's messages.
    func format(isPositioned: Bool) -> any WireFormat { isPositioned ? positionedFormat : format }

    func makeHandler(for connection: Connection) -> any ConnectionHandler {
        ServerConnection(connection, shared: self)
    }

    // Nothing on this wire would tell that a silent client has gone.
    var keepAlive: KeepAlive? { KeepAlive() }

    // Clients that were connected when the loops ended hold their connections, which hold this.
    func brokerEnded() { registry.withLock { $0 = nil } }

    /// Runs work with the registry, on the room's home: now if that is this loop, else handed over.
    func atHome(_ context: LoopContext, _ work: @escaping @Sendable (ClientRegistry, LoopContext) -> Void) {
        guard let registry = registry.withLock({ $0 }) else { return }
        context.toLoop(home) { [self] in
            // Who works with the registry holds what it belongs to.
            withExtendedLifetime(self) {}
            work(registry.value, $0)
        }
    }

    /// The registry; on the room's home alone.
    func withRegistry<Answer>(_ body: (ClientRegistry) -> Answer) -> Answer? {
        registry.withLock { $0 }.map { body($0.value) }
    }

    // MARK: Life

    /// Lets connections in, or no more.
    func setOpen(_ isOpen: Bool) { state.withLock { $0.isOpen = isOpen } }

    /// Whether connections are let in.
    var isOpen: Bool { state.withLock { $0.isOpen } }

    /// A connection was accepted; false when it came too late.
    func opened() -> Bool {
        state.withLock { state in
            state.connections += 1
            return state.isOpen
        }
    }

    /// A connection has ended.
    func closed() {
        let waiters = state.withLock { state -> [Parker<Void>] in
            state.connections -= 1
            guard state.connections == 0 else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.unpark() }
    }

    var openConnections: Int { state.withLock { $0.connections } }

    /// Unparks `waiter` when no connection is open.
    func whenEmpty(_ waiter: Parker<Void>) {
        let isEmpty = state.withLock { state in
            if state.connections > 0 { state.waiters.append(waiter) }
            return state.connections == 0
        }
        if isEmpty { waiter.unpark() }
    }
}
