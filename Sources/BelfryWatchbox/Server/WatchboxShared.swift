// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import Synchronization

/// What all routes and loops of one Watchbox server share.
final class WatchboxShared: Sendable {
    let configuration: WatchboxConfiguration
    /// Held: what is asked of its loops has to find them.
    private let owner: Broker
    var broker: BrokerShared { owner.shared }
    let clients = WatchboxClients()
    let log: WatchboxLog
    let clientLog: ClientLogFile
    let messages: WatchboxEvents<WatchboxMessage>
    let timeouts: WatchboxEvents<String>
    let joins: WatchboxEvents<WatchboxJoin>
    let registrations: WatchboxEvents<String>
    private let current: Lock<WatchboxSettings>
    /// Bytes that all groups keep.
    let groupBytes = Atomic<Int>(0)
    /// The loops' clock when it was last looked at, half a second ago at most: for what comes from elsewhere.
    let latest = Atomic<Int64>(0)
    private let isSweeping = Atomic<Bool>(false)
    /// By loop; set once, before anybody else has this.
    private let hubs = Lock<[LoopConfined<WatchboxHub>]>([])

    /// The group in which a client gets replies: nobody publishes to it.
    static let serverGroup = "server"
    /// How often time-outs are looked after.
    private static let sweepInterval = Duration.milliseconds(500)

    init(_ configuration: WatchboxConfiguration, broker: Broker) {
        self.configuration = configuration
        owner = broker
        current = Lock(configuration.settings)
        let log = WatchboxLog(
            level: configuration.settings.loggingLevel,
            configuration.log,
            logger: broker.shared.logger
        )
        self.log = log
        clientLog = ClientLogFile(
            path: configuration.clientLogPath,
            maxBytes: configuration.maxClientLogBytes,
            log: log
        )
        let limit = configuration.maxWaitingEvents
        messages = WatchboxEvents("onMessage", limit: limit, log: log) { $0.message.bytes.count }
        timeouts = WatchboxEvents("onTimeout", limit: limit, log: log)
        joins = WatchboxEvents("onJoin", limit: limit, log: log)
        registrations = WatchboxEvents("onRegister", limit: limit, log: log)
        let made = broker.shared.loops.map { LoopConfined(WatchboxHub(self), to: $0) }
        hubs.withLock { $0 = made }
    }

    deinit {
        for (index, hub) in hubs.withLock({ $0 }).enumerated() {
            let box = owner.shared.context(index)
            owner.shared.loops[index].execute { hub.value.end(on: box.value) }
        }
    }

    // MARK: Settings

    var settings: WatchboxSettings { current.withLock { $0 } }

    func change(_ body: @Sendable (inout WatchboxSettings) -> Void) {
        let level = current.withLock { settings in
            body(&settings)
            return settings.loggingLevel
        }
        log.level = level
    }

    // MARK: Loops

    /// The hub of a loop; on that loop only.
    func hub(of context: LoopContext) -> WatchboxHub { hubs.withLock { $0[context.index] }.value }

    /// Tells held requests, wherever they are, that there may be something.
    func wake(_ waiters: some Sequence<WatchboxClients.Waiter>, from context: LoopContext) {
        for waiter in waiters {
            context.toLoop(waiter.loop) { [self] in hub(of: $0).polls[waiter.number]?.retry() }
        }
    }

    /// The same from anywhere.
    func wake(_ waiters: [WatchboxClients.Waiter]) {
        for waiter in waiters {
            let box = broker.context(waiter.loop)
            broker.loops[waiter.loop].execute { [self] in
                let context = box.value
                hub(of: context).polls[waiter.number]?.retry()
            }
        }
    }

    /// Publishes to a group what the process says; from anywhere.
    func publish(_ json: [UInt8], to group: String) {
        let index = broker.home(of: group)
        let box = broker.context(index)
        broker.loops[index].execute { [self] in
            let context = box.value
            hub(of: context).publish(json, from: nil, .server, to: group, on: context)
        }
    }

    // MARK: Sweep

    /// Begins to look after time-outs, unless that is done already; on any loop.
    func startSweeping(from context: LoopContext) {
        guard !isSweeping.exchange(true, ordering: .acquiringAndReleasing) else { return }
        context.toLoop(0) { [weak self] in self?.scheduleSweep(on: $0) }
    }

    private func scheduleSweep(on context: LoopContext) {
        context.loop.schedule(after: Self.sweepInterval) { [weak self] in self?.sweep(on: context) }
    }

    private func sweep(on context: LoopContext) {
        latest.store(context.turnTime, ordering: .relaxed)
        let settings = settings
        for (id, groups) in clients.removeSilent(since: context.turnTime.subtracting(settings.timeout)) {
            for group in groups {
                context.toLoop(broker.home(of: group)) { [self] in hub(of: $0).leave(id, group, on: $0) }
            }
            log.write(2, "client timed out")
            timeouts.send(id.description)
        }
        clients.dropReplies(before: context.turnTime.subtracting(settings.ttl))
        for index in broker.loops.indices { context.toLoop(index) { [self] in hub(of: $0).sweep(on: $0) } }
        isSweeping.store(false, ordering: .releasing)
        // Whoever registers from here on starts it again.
        if clients.count > 0, !isSweeping.exchange(true, ordering: .acquiringAndReleasing) {
            scheduleSweep(on: context)
        }
    }
}
