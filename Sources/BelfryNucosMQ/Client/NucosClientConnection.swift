// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryJSON
import Logging

/// One TCP connection of a client: decoder and machine between the socket and the client.
///
/// Loop-confined. A reader with no room holds the decoder and pauses the socket, so nothing is lost or reordered.
final class NucosClientConnection: IOHandler {
    /// What a connection is made of.
    struct Setup {
        let loop: EventLoop
        let configuration: NucosClientConfiguration
        let uid: String
        let canSign: Bool
        /// How long nothing may come before the server is asked whether it lives.
        let idleTimeout: Duration
        let inbox: NucosClientInbox
        let tasks: TaskPool
        let logger: Logger
    }

    /// Told apart from the client's other connections.
    let number: UInt64
    let setup: Setup
    unowned let loop: EventLoop
    weak let client: NucosClient?
    let flusher: NucosFlusher
    var handle = IOHandle.none
    var machine: NucosClientMachine
    var decoder: NucosDecoder
    var outbound = NucosOutbound()

    var phase = Phase.idle
    var failure: IOError?
    let standing = Parker<Void>()
    var goneWaiters: [Parker<Void>] = []

    private(set) var isOpen = false
    var isListed = false
    var isBusy = false
    /// What was sent during the handshake.
    var held: [[UInt8]] = []
    var heldBytes = 0
    var senders: [Parker<Void>] = []
    var openWaiters: [Parker<Bool>] = []
    var pingWaiters: [Parker<Bool>] = []
    var stall: NucosClientInbox.Stall?
    var isStalled = false
    /// The stream ended behind what a stalled reader has not got yet.
    var endsAfterStall = false
    var armed: (timeout: NucosClientTimeout, step: Int, timer: TimerID?)?
    var lastReceived: Int64 = 0
    var closeTimer: TimerID?
    var flushDeadline: Int64 = .max
    var complaints = 0

    enum Phase {
        case idle, connecting, up
        /// The machine has ended: what is queued is sent, then this side is ended.
        case flushing(lingers: Bool)
        /// Waits for the server's end.
        case finishing(lingers: Bool)
        case closing, closed
    }

    init(_ setup: Setup, number: UInt64, client: NucosClient) {
        self.number = number
        self.setup = setup
        self.client = client
        loop = setup.loop
        flusher = NucosFlusher.of(setup.loop)
        machine = NucosClientMachine(uid: setup.uid, canSign: setup.canSign)
        decoder = NucosDecoder(maxFrameBytes: max(64, setup.configuration.maxFrameBytes))
    }

    /// Whether the connection stands.
    var isUp: Bool { if case .up = phase { true } else { false } }
    var isConnected: Bool { machine.isConnected }
    var isAuthenticated: Bool { machine.isAuthenticated }

    // MARK: Opening

    /// Connects to one address.
    func connect(to address: SocketAddress, timeout: Duration) async throws(IOError) {
        phase = .connecting
        do throws(IOError) {
            handle = try loop.connect(to: address, timeout: timeout, handler: self)
        } catch {
            phase = .closed
            throw error
        }
        let wait = await standing.park()
        if case .cancelled = wait {
            abort()
            throw IOError(.closed, "cancelled while connecting to \(address)")
        }
        if let failure {
            abort()
            throw failure
        }
    }

    func connected(_ handle: IOHandle) {
        guard case .connecting = phase else { return }
        phase = .up
        standing.unpark()
    }

    /// Begins to talk; the client is ready to hear of it.
    func begin() {
        guard case .up = phase else { return }
        lastReceived = loop.nowNanoseconds
        loop.startReceiving(handle)
        perform(machine.connected())
        rearm()
    }

    // MARK: Receiving

    func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        guard case .up = phase else { return }
        lastReceived = loop.nowNanoseconds
        if let armed, armed.timeout == .pong {
            machine.received()
            rearm()
        }
        decoder.decode(bytes) { self.handle($0, $1) }
        setup.inbox.flush()
    }

    func handle(_ part: NucosDecoder.Part, _ bytes: Span<UInt8>) -> NucosDecoder.Disposition {
        switch part {
        case .frame(let frame):
            // The hot path: a message changes nothing in the machine.
            if isOpen, NucosClientMachine.isMessage(frame, bytes) { return deliver(frame, bytes) }
            let action = machine.frame(frame, bytes)
            if case .message = action { return deliver(frame, bytes) }
            perform(action)
            rearm()
            guard case .up = phase else { return .stop }
            return .next
        case .malformed(let fault):
            complain("A malformed message was skipped.", "\(fault)")
            return .next
        case .tooLong:
            fail(NucosDisconnection(.failed, "a message of more than \(decoder.maxFrameBytes) bytes (maxFrameBytes)"))
            return .stop
        }
    }

    private func deliver(_ frame: NucosFrame, _ bytes: Span<UInt8>) -> NucosDecoder.Disposition {
        guard let stall = setup.inbox.deliver(frame, bytes) else { return .next }
        wait(stall)
        return .hold
    }

    /// Stops the socket until a reader has room.
    private func wait(_ stall: NucosClientInbox.Stall) {
        if !isStalled { loop.pauseReceiving(handle) }
        isStalled = true
        self.stall = stall
        let box = LoopConfined(onLoop: self, loop)
        let loop = setup.loop
        let wait = stall.wait
        setup.tasks.add {
            await wait()
            loop.execute { box.value.waited() }
        }
    }

    private func waited() {
        guard let stall else { return }
        guard stall.isRoomy else { return goOn() }
        // One free place is soon full again: each stop costs more than a message.
        loop.schedule(after: .milliseconds(1)) { [weak self] in self?.goOn() }
    }

    private func goOn() {
        guard let stall else { return }
        if let next = setup.inbox.goOn(stall) {
            setup.inbox.flush()
            return wait(next)
        }
        self.stall = nil
        decoder.resume { self.handle($0, $1) }
        setup.inbox.flush()
        // Another message may have met a reader without room.
        guard self.stall == nil, isStalled else { return }
        isStalled = false
        loop.startReceiving(handle)
        if endsAfterStall { endOfStream() }
    }

    func ended(_ handle: IOHandle) {
        switch phase {
        case .up where isStalled: endsAfterStall = true
        case .up: endOfStream()
        case .flushing: phase = .flushing(lingers: false)
        case .finishing: abort()
        case .idle, .connecting, .closing, .closed: break
        }
    }

    func endOfStream() {
        perform(machine.peerClosed())
        rearm()
    }

    // MARK: Sending

    /// Sends a message, or holds it until the handshake is over.
    func send(_ frame: Span<UInt8>) -> NucosSendResult {
        guard machine.isConnected, case .up = phase else { return .refused }
        guard isOpen else {
            guard frame.count <= setup.configuration.maxPendingBytes - heldBytes else { return .refused }
            held.append([UInt8](bytes: frame))
            heldBytes += frame.count
            return .queued
        }
        return write(frame) ? .sent : .refused
    }

    /// Returns when there is room for another message, or the connection has ended, or the task was cancelled.
    func waitForRoom() async {
        while isOpen, outbound.byteCount > setup.configuration.maxPendingBytes, !Task.isCancelled {
            let parker = Parker<Void>()
            senders.append(parker)
            if case .cancelled = await parker.park() { senders.removeAll { $0 === parker } }
        }
    }

    /// Queues a frame whatever the state; it leaves at the end of the turn.
    @discardableResult
    func write(_ frame: Span<UInt8>) -> Bool {
        guard outbound.append(frame) else { return false }
        if !isListed {
            isListed = true
            flusher.add(self)
        }
        return true
    }

    /// At the end of a turn in which something was written.
    func flush() {
        isListed = false
        pump()
    }

    func pump() {
        while !isBusy, let batch = outbound.next {
            switch loop.send(batch, on: handle) {
            case .queued: outbound.remove(batch)
            case .busy: isBusy = true
            case .closed: return
            }
        }
        if !senders.isEmpty, outbound.byteCount <= setup.configuration.maxPendingBytes { wakeSenders() }
        if case .flushing(let lingers) = phase, outbound.isEmpty {
            phase = .finishing(lingers: lingers)
            loop.finish(handle)
        }
    }

    func writable(_ handle: IOHandle) {
        isBusy = false
        pump()
    }

    func wakeSenders() {
        let waiting = senders
        senders = []
        for sender in waiting { sender.unpark() }
    }

    // MARK: Questions

    /// Suspends until messages may leave; false when the connection ends first, or `timeout` passes.
    func waitUntilOpen(timeout: Duration) async -> Bool {
        guard machine.isConnected, !isOpen else { return isOpen }
        let waiter = Parker<Bool>()
        openWaiters.append(waiter)
        return await answer(of: waiter, within: timeout)
    }

    /// Sends a `ping`; false when no `pong` comes within `timeout`.
    func ping(timeout: Duration) async -> Bool {
        guard isOpen else { return false }
        let waiter = Parker<Bool>()
        pingWaiters.append(waiter)
        let ping = NucosControl.ping
        write(ping.span)
        return await answer(of: waiter, within: timeout)
    }

    private func answer(of waiter: Parker<Bool>, within timeout: Duration) async -> Bool {
        let timer = loop.schedule(after: timeout, waking: waiter, with: false)
        let result = await waiter.park()
        loop.cancel(timer)
        openWaiters.removeAll { $0 === waiter }
        pingWaiters.removeAll { $0 === waiter }
        return result == .value(true)
    }

    func answerAll(_ waiters: inout [Parker<Bool>], _ answer: Bool) {
        for waiter in waiters { waiter.unpark(answer) }
        waiters = []
    }

    // MARK: Actions

    func perform(_ action: NucosClientAction) {
        switch action {
        case .ignore, .message: break
        case .drop(let reason): complain("A message was dropped.", reason.rawValue)
        case .send(let bytes): write(bytes.span)
        case .sign(let challenge): client?.assumeIsolated { [number] in $0.sign(challenge, for: number) }
        case .opened(let isAuthenticated, let bytes): open(isAuthenticated, bytes)
        case .pong: answerAll(&pingWaiters, true)
        case .close(let bytes, let reason):
            if let bytes { write(bytes.span) }
            close(NucosDisconnection(reason), lingers: bytes != nil)
        }
    }

    private func open(_ isAuthenticated: Bool, _ bytes: [UInt8]) {
        isOpen = true
        if !bytes.isEmpty { write(bytes.span) }
        let frames = held
        held = []
        heldBytes = 0
        client?.assumeIsolated { [number] in $0.opened(number) }
        for frame in frames { write(frame.span) }
        answerAll(&openWaiters, true)
    }

    /// The application's answer to a challenge; nil if there is none.
    func signed(_ signature: [UInt8]?) {
        perform(machine.signed(signature))
        rearm()
    }

    func rearm() {
        isOpen = machine.isOpen
        let (wanted, step) = (machine.timeout, machine.step)
        guard wanted != armed?.timeout || step != armed?.step else { return }
        loop.cancel(armed?.timer)
        armed = wanted.map { timeout in
            let limit = setup.configuration.duration(of: timeout, idle: setup.idleTimeout)
            return (timeout, step, schedule(timeout, after: limit))
        }
    }

    private func schedule(_ timeout: NucosClientTimeout, after delay: Duration) -> TimerID? {
        loop.schedule(after: delay) { [weak self] in self?.timedOut(timeout) }
    }

    private func timedOut(_ timeout: NucosClientTimeout) {
        guard armed?.timeout == timeout else { return }
        switch timeout {
        case .idle:
            // What came meanwhile has put it off; a paused socket says nothing of the server.
            let silent = isStalled ? .zero : Duration.nanoseconds(loop.nowNanoseconds - lastReceived)
            guard silent >= setup.idleTimeout else {
                armed?.timer = schedule(.idle, after: setup.idleTimeout - silent)
                return
            }
        case .close where !outbound.isEmpty && loop.nowNanoseconds < flushDeadline:
            // The server has not been told yet, for what was sent before is still on its way.
            armed?.timer = schedule(.close, after: setup.configuration.closeTimeout)
            return
        default: break
        }
        perform(machine.timedOut(timeout))
        rearm()
    }

    /// Logs what a server did wrong: the first few, then every thousandth.
    private func complain(_ message: Logger.Message, _ reason: @autoclosure () -> String) {
        complaints += 1
        guard complaints <= 5 || complaints % 1_000 == 0 else { return }
        setup.logger.info(message, metadata: ["reason": "\(reason())", "count": "\(complaints)"])
    }
}
