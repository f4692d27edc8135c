// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryIO
public import Logging
public import ServiceLifecycle

/// The middle of everything: rooms by name, sessions by ID, limits, and the loops they live on.
///
/// A broker by itself has no network; front-ends bring their clients in.
///
///     let broker = try Broker(configuration: .init(io: .automatic), logger: logger)
///     let room = try await broker.room("weather")
///     try await room.publish(event: "today", .text("sunny"))
///
/// Stop it with ``shutDown()``, or run it in a `ServiceGroup`: on graceful shutdown it drains.
public actor Broker: LoopBound, Service {
    /// The first loop, where the broker itself lives.
    public nonisolated let loop: EventLoop
    /// How it was set up.
    public nonisolated var configuration: BrokerConfiguration { shared.configuration }
    /// The engine that was chosen, and why.
    public nonisolated var selection: BackendSelection { shared.group.selection }
    /// How many event loops it runs.
    public nonisolated var loopCount: Int { shared.loops.count }
    package nonisolated let shared: BrokerShared
    private var listeners: [UInt64: LoopConfined<Listener>] = [:]
    private let contexts: [ContextBox]
    private var drainage: Task<Void, Never>?
    private let stopped = Parker<Void>()

    /// Starts the loops.
    ///
    /// - Parameters:
    ///   - configuration: Every default is stated at ``BrokerConfiguration``.
    ///   - logger: Hears of what an operator wants to know; nothing is logged per message.
    /// - Throws: ``BelfryError`` `.startFailed` when an explicit backend cannot be had.
    public init(configuration: BrokerConfiguration = .init(), logger: Logger) throws(BelfryError) {
        let group: EventLoopGroup
        do {
            group = try EventLoopGroup(
                configuration.io,
                count: configuration.loops,
                options: configuration.ioOptions,
                logger: logger
            )
        } catch {
            throw BelfryError(.startFailed, error.message)
        }
        let shared = BrokerShared(configuration: configuration, logger: logger, group: group)
        self.shared = shared
        loop = group.loops[0]
        var boxes: [ContextBox] = []
        for (index, loop) in group.loops.enumerated() {
            let context = LoopContext(shared: shared, loop: loop, index: index)
            boxes.append(ContextBox(LoopConfined(context, to: loop)))
        }
        contexts = boxes
        shared.setContexts(boxes)
        for (box, loop) in zip(boxes, group.loops) {
            loop.execute {
                _ = loop.local { box }
                let context = box.context.value
                loop.addTurnEndHandler(context)
                context.startTicking()
            }
        }
    }

    // MARK: Rooms

    /// The room with this name, made when first asked for.
    ///
    /// As long as you hold it, it stays.
    ///
    /// - Throws: ``BelfryError`` `.invalidArgument` for an empty or too long name or one that begins with U+0000,
    ///   `.limitExceeded` when there are `maxRooms`, `.closed` after a shut-down.
    public nonisolated func room(_ name: String) async throws(BelfryError) -> Room {
        let limits = configuration.limits
        guard !name.isEmpty, name.utf8.count <= limits.maxRoomNameBytes, !OwnRoom.isOwn(name) else {
            throw BelfryError(
                .invalidArgument,
                "a room's name has 1 to \(limits.maxRoomNameBytes) bytes, the first of which is not 0"
            )
        }
        let found = await LoopDoor(shared, shared.home(of: name)).run { context -> Result<Room, BelfryError> in
            guard !context.isStopped else { return .failure(BelfryError(.closed, "the broker has stopped")) }
            guard let core = context.room(name) else {
                return .failure(BelfryError(.limitExceeded, "there are \(limits.maxRooms) rooms (maxRooms)"))
            }
            return .success(core.door())
        }
        return try found.get()
    }

    /// What the broker has done so far.
    public nonisolated var statistics: BrokerStatistics { shared.statistics }

    // MARK: Sessions

    /// The clients that are connected now, loop by loop; one that comes or goes meanwhile may or may not be among them.
    public nonisolated var sessions: [Session] {
        get async {
            var found: [Session] = []
            for index in shared.loops.indices {
                found += await LoopDoor(shared, index).run { context in
                    context.connections.values.map { $0.door() }
                }
            }
            return found
        }
    }

    /// The session of this ID; nil when it is not connected (any more).
    public nonisolated func session(_ id: SessionID) async -> Session? {
        await shared.withConnection(id) { $0.door() }
    }

    // MARK: Front-ends

    /// Opens a listener for a front-end.
    ///
    /// - Parameters:
    ///   - address: Where; port 0 lets the kernel choose.
    ///   - frontEnd: Whose clients come.
    /// A port that is taken is tried again for a second: the ring of a program that was killed lets go of it late.
    ///
    /// - Returns: The listener's number and the address it has, with the port that the kernel chose for port 0.
    package func listen(
        on address: SocketAddress,
        frontEnd: any FrontEnd
    ) async throws(BelfryError) -> (number: UInt64, address: SocketAddress) {
        var pauses = 50
        while true {
            guard drainage == nil else { throw BelfryError(.closed, "the broker has stopped") }
            do {
                let context = shared.context(0).value
                let listener = try Listener(on: address, frontEnd: frontEnd, context: context)
                let bound = try listener.start()
                let number = shared.nextNumber()
                listeners[number] = LoopConfined(listener, to: loop)
                return (number, bound)
            } catch {
                guard error.code == .addressInUse, pauses > 0, !Task.isCancelled else {
                    throw BelfryError(.startFailed, error.message)
                }
            }
            pauses -= 1
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Closes a listener; its connections stay.
    package func stopListening(_ number: UInt64) { listeners.removeValue(forKey: number)?.value.stop() }

    // MARK: Life

    /// Serves until the task is cancelled or the service group shuts down gracefully, then drains.
    public func run() async {
        await withGracefulShutdownHandler {
            _ = await stopped.park()
        } onGracefulShutdown: {
            self.stopped.unpark()
        }
        await shutDown()
    }

    /// Drains: stops accepting, tells the clients, sends what is queued, and closes; after `drainTimeout` at the latest
    /// everything is closed as it is.
    ///
    /// Returns when the loops have ended. Goes on to its end even if the calling task is cancelled. Calling it again
    /// waits for the same end.
    public func shutDown() async {
        if let drainage { return await drainage.value }
        // A task of its own, awaited by everybody who calls: cancelling one of them must not cut the drain short.
        let task = Task(executorPreference: loop) { await self.drain() }
        drainage = task
        await task.value
    }

    private func drain() async {
        let frontEnds = listeners.values.map(\.value.frontEnd)
        for listener in listeners.values { listener.value.stop() }
        listeners = [:]
        shared.logger.debug("The broker drains.", metadata: ["connections": "\(statistics.connections)"])
        await shared.settle()
        for index in shared.loops.indices {
            await LoopDoor(shared, index).run { $0.drain() }
        }
        let deadline = ContinuousClock.now + configuration.drainTimeout
        while statistics.connections > 0, ContinuousClock.now < deadline {
            guard await loop.sleep(for: .milliseconds(5)) else { break }
        }
        for index in shared.loops.indices {
            await LoopDoor(shared, index).run { $0.stop() }
        }
        stopped.unpark()
        for loop in shared.loops { loop.stop() }
        await shared.waitUntilStopped()
        // The ends of connections, which came last, may have left something.
        for index in shared.loops.indices {
            await LoopDoor(shared, index).run { $0.forgetHandOvers() }
        }
        await configuration.store?.close()
        for frontEnd in frontEnds { frontEnd.brokerEnded() }
    }
}
