// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryJSON
import Logging

/// What a client is on its event loop: the state machine with its hands and feet.
///
/// Loop-confined.
final class ClientCore {
    let loop: EventLoop
    let logger: Logger
    let configuration: Client.Configuration
    let delivery: ClientDelivery
    let callbacks: ClientCallbacks
    private let pauses: ReconnectPauses
    var settings = ClientSettings()
    var outbox = ClientOutbox()
    /// Who waits in `send` for a slow server.
    var senders: [Parker<Void>] = []

    /// Why the last attempt that failed did.
    private(set) var lastFailure: IOError?
    private var machine: ClientStateMachine
    private var position = ClientPosition()
    private var link: ClientLink?
    private var target: (endpoint: Endpoint, id: String)?
    private var timer: TimerID?
    /// Of the callbacks that hear of a server's shutdown, and how many of those there were.
    private var patience: TimerID?
    private var shutdowns = 0
    private var random = SystemRandomNumberGenerator()
    private var todo: [ClientStateMachine.Action] = []
    private var isPerforming = false
    private var connecting: Parker<Bool>?
    private var disconnecting: Parker<Bool>?
    private var runner: Task<Void, Never>?

    init(
        loop: EventLoop,
        attemptReconnect: Bool,
        reconnect: ReconnectPolicy,
        configuration: Client.Configuration,
        logger: Logger
    ) {
        self.loop = loop
        self.logger = logger
        self.configuration = configuration
        delivery = ClientDelivery(loop: loop, logger: logger)
        callbacks = ClientCallbacks(logger: logger)
        pauses = ReconnectPauses(reconnect, spread: configuration.reconnectSpread)
        machine = ClientStateMachine(attemptReconnect: attemptReconnect)
        delivery.resumed = { [weak self] in self?.link?.resumeReceiving() }
    }

    // MARK: What is wanted

    var state: ClientState { machine.state }
    var outlet: ClientStateMachine.Outlet { machine.outlet }

    var attemptReconnect: Bool {
        get { machine.attemptReconnect }
        set { perform(machine.setAttemptReconnect(newValue)) }
    }

    /// Takes a change of the settings, unless the client runs.
    func change(
        _ name: String,
        _ change: (inout ClientSettings) throws(MissionCommanderError) -> Void
    ) throws(MissionCommanderError) {
        guard !machine.state.contains(.running) else {
            throw MissionCommanderError(.running, "Client must be disconnected before setting \(name)")
        }
        try change(&settings)
        if settings.isComplete { perform(machine.configured()) }
    }

    /// Starts to connect; the answer tells how it ends, and is nil where there is no need to.
    func connect() throws(MissionCommanderError) -> Parker<Bool>? {
        let target = try settings.target()
        try settings.checkLocalEnd()
        guard let actions = machine.connect(as: target.id) else {
            logger.warning("Client is already connected")
            return nil
        }
        self.target = target
        // Whoever left on purpose is forgotten by the server as well.
        position = ClientPosition()
        let waiter = Parker<Bool>()
        connecting = waiter
        perform(actions)
        return waiter
    }

    /// Ends an attempt that nobody waits for any more; whether the client is connected, or coming back, all the same.
    func cancelConnect() -> Bool {
        perform(machine.cancelConnect())
        return !machine.state.contains(.notConnected)
    }

    /// Starts to disconnect; the answer tells how it ends, and is nil where there is nothing to.
    func disconnect() -> Parker<Bool>? {
        guard let actions = machine.disconnect() else {
            logger.warning("Client is not connected")
            return nil
        }
        let waiter = Parker<Bool>()
        disconnecting = waiter
        perform(actions)
        return waiter
    }

    /// Closes at once what a cancelled `disconnect()` was waiting for.
    func cancelDisconnect() -> Bool {
        if machine.state.contains(.disconnecting) { linkBroke(nil) }
        return !machine.state.contains(.disconnectFailed)
    }

    /// Adds a callback, and has callbacks run from now on.
    func subscribe(_ verb: Verb, _ callback: @escaping ClientCallbacks.Callback) {
        callbacks.add(verb, callback)
        guard runner == nil else { return }
        let news = delivery.outlets.add(.waitingRoom(configuration) { $0.event.byteCount }, \.self)
        runner = Task { [callbacks] in await callbacks.run(news) }
    }

    /// Lets go of everything at once: nobody holds the client any more.
    func abandon() {
        perform(machine.loopStopped())
        delivery.close()
        runner?.cancel()
    }

    // MARK: What happened

    func linkStands() { perform(machine.linkStands()) }
    func goodbyeIsOut() { machine.goodbyeIsOut() }
    func goodbyeIsOver() { perform(machine.goodbyeIsOver()) }
    func goodbyeTimedOut() { perform(machine.goodbyeTimedOut()) }
    func loopStopped() { perform(machine.loopStopped()) }

    func attemptFailed(_ error: IOError) {
        lastFailure = error
        logger.debug("Could not connect", metadata: ["error": "\(error)"])
        perform(machine.attemptFailed(ClientStateMachine.Failure(error)))
    }

    func linkBroke(_ error: IOError?) {
        logger.debug("The link broke", metadata: ["error": "\(error?.description ?? "end of stream")"])
        perform(machine.linkBroke())
    }

    func localAddress() throws(IOError) -> SocketAddress? { try settings.localAddress() }

    /// Takes a part of the stream; holds the rest back where a listener has no room.
    func received(_ part: FrameDecoder.Part, _ body: Span<UInt8>) -> FrameDecoder.Disposition {
        switch receivedLast(part, body) {
        case .next: delivery.isBlocked ? .hold : .next
        case .hold: .hold
        case .stop: .stop
        }
    }

    /// Takes a part of the stream in any case.
    func receivedLast(_ part: FrameDecoder.Part, _ body: Span<UInt8>) -> FrameDecoder.Disposition {
        switch part {
        case .frame(let subject, let value):
            return take(nil, subject, body.extracting(value.range))
        case .marked(let mark, let subject, let value):
            return take(mark, subject, body.extracting(value.range))
        case .malformed(let subject, let fault):
            position.skipped()
            logger.warning("A message is no JSON", metadata: ["subject": "\(subject)", "fault": "\(fault)"])
            return .next
        case .unreadable(let fault):
            logger.warning("The server's frames are unreadable", metadata: ["fault": "\(fault)"])
            perform(machine.linkBroke())
            return .stop
        }
    }

    private func take(
        _ mark: FrameHeader.Mark?,
        _ subject: String,
        _ value: Span<UInt8>
    ) -> FrameDecoder.Disposition {
        if subject == "shutdown" {
            perform(machine.serverStops())
            return .stop
        }
        guard position.takes(mark, subject, value) else { return .next }
        perform([.emit(.message(Message(received: subject, Payload(.json, bytes: [UInt8](bytes: value)))))])
        return .next
    }

    // MARK: Doing

    /// Does what the machine says, in order also where doing one thing leads to the next.
    private func perform(_ actions: [ClientStateMachine.Action]) {
        todo += actions
        guard !isPerforming else { return }
        isPerforming = true
        var next = 0
        while next < todo.count {
            perform(todo[next])
            next += 1
        }
        todo = []
        isPerforming = false
    }

    private func perform(_ action: ClientStateMachine.Action) {
        switch action {
        case .emit(let event): emit(event)
        case .open: open()
        case .abort: closeLink()
        case .introduce: introduce()
        case .sayGoodbye: sayGoodbye()
        case .pause(let attempt): pause(before: attempt)
        case .stopPausing: stopPausing()
        case .awaitCallbacks: awaitCallbacks()
        case .discardOutbox: discardOutbox()
        case .finishConnect(let isOn):
            connecting?.unpark(isOn)
            connecting = nil
        case .finishDisconnect(let isOff):
            disconnecting?.unpark(isOff)
            disconnecting = nil
        }
    }

    private func open() {
        guard let target else { return }
        let link = ClientLink(owner: self, loop: loop, configuration: configuration)
        self.link = link
        link.connect(to: target.endpoint)
    }

    private func closeLink() {
        stopPausing()
        link?.abort()
        link = nil
    }

    private func introduce() {
        guard let target, let link else { return }
        let resume = position.linkStands(asking: configuration.resumes && machine.attemptReconnect)
        link.introduce(with: ClientFrames.negotiation(of: target.id, resume: resume))
    }

    private func sayGoodbye() { link?.sayGoodbye(with: ClientFrames.shutdown) }

    /// Has the outbox sent.
    func pump() { link?.pump() }

    private func pause(before attempt: Int) {
        guard let pause = pauses.pause(before: attempt, using: &random) else {
            logger.warning("Reconnecting is given up", metadata: ["attempts": "\(attempt)"])
            return perform(machine.giveUp())
        }
        let stopped = { [weak self] in _ = self?.loopStopped() }
        timer = loop.schedule(after: pause, stopped: stopped) { [weak self] in
            guard let self else { return }
            timer = nil
            perform(machine.pauseOver())
        }
    }

    private func stopPausing() {
        loop.cancel(timer)
        timer = nil
    }

    private func emit(_ event: ClientEvent) {
        guard event == .serverShutdown else { return delivery.deliver(ClientNews(event: event)) }
        shutdowns += 1
        let (core, loop, number) = (LoopConfined(onLoop: self, loop), loop, shutdowns)
        let news = ClientNews(event: event) {
            loop.execute { core.value.callbacksReturned(of: number) }
        }
        delivery.deliver(news)
    }

    /// Goes on when the callbacks of the server's shutdown, and all before them, have run, or have had their time.
    private func awaitCallbacks() {
        guard callbacks.hears(.serverShutdown) else { return callbacksReturned(of: shutdowns) }
        let number = shutdowns
        let stopped = { [weak self] in _ = self?.loopStopped() }
        patience = loop.schedule(after: configuration.callbackTimeout, stopped: stopped) { [weak self] in
            guard let self else { return }
            logger.warning("The callbacks of the server's shutdown take too long")
            callbacksReturned(of: number)
        }
    }

    /// Late callbacks of an earlier shutdown don't count.
    private func callbacksReturned(of shutdown: Int) {
        guard shutdown == shutdowns else { return }
        loop.cancel(patience)
        patience = nil
        perform(machine.callbacksReturned())
    }
}
