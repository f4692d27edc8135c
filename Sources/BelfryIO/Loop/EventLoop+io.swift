// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// What loop-bound code asks of its loop. Every call is for the loop's own thread.
extension EventLoop {
    /// The loop's clock in nanoseconds since an arbitrary start; virtual on the simulated backend.
    package var nowNanoseconds: Int64 { (try? onLoop { core throws(IOError) in core.reactor.now }) ?? 0 }

    /// The loop's counters.
    package var statistics: LoopStatistics {
        (try? onLoop { core throws(IOError) in core.statistics }) ?? LoopStatistics()
    }

    /// Runs `action` once, `delay` from now; on the loop.
    @discardableResult
    package func schedule(after delay: Duration, _ action: @escaping () -> Void) -> TimerID? {
        try? onLoop { core throws(IOError) in
            core.timers.add(at: core.reactor.now + max(0, delay.nanoseconds), action)
        }
    }

    /// Runs `action` once, `delay` from now, or `stopped` if the loop stops before; on the loop.
    ///
    /// If the loop has stopped, `stopped` runs at once and the answer is nil. For whatever somebody waits for: a timer
    /// without `stopped` is dropped in silence at the loop's end.
    @discardableResult
    package func schedule(
        after delay: Duration,
        stopped: @escaping () -> Void,
        _ action: @escaping () -> Void
    ) -> TimerID? {
        let timer = try? onLoop { core throws(IOError) in
            core.timers.add(at: core.reactor.now + max(0, delay.nanoseconds), stopped: stopped, action)
        }
        if timer == nil { stopped() }
        return timer
    }

    /// Wakes `parker` with `value`, `delay` from now or when the loop stops, whichever is first; on the loop.
    @discardableResult
    package func schedule<Value>(
        after delay: Duration,
        waking parker: Parker<Value>,
        with value: Value
    ) -> TimerID? {
        schedule(after: delay, stopped: { parker.unpark(value) }, { parker.unpark(value) })
    }

    /// Forgets a timer; one that has run, or was cancelled, is ignored.
    package func cancel(_ timer: TimerID?) {
        guard let timer else { return }
        try? onLoop { core throws(IOError) in core.timers.cancel(timer) }
    }

    /// Calls `handler` at the end of every turn, until the loop stops.
    package func addTurnEndHandler(_ handler: any TurnEndHandler) {
        try? onLoop { core throws(IOError) in core.addTurnEndHandler(handler) }
    }

    /// The loop's one object of a type, made when first asked for.
    package func local<Object: AnyObject>(_ make: () -> Object) -> Object {
        let key = ObjectIdentifier(Object.self)
        let found = try? onLoop { core throws(IOError) in
            if let object = core.locals[key] as? Object { return object }
            let object = make()
            core.locals[key] = object
            return object
        }
        return found ?? make()
    }

    /// Binds, listens and starts accepting.
    ///
    /// Port 0 lets the kernel choose; `localAddress` tells.
    ///
    /// - Throws: ``IOError``, as `.addressInUse`.
    package func listen(
        on address: SocketAddress,
        backlog: Int = 4096,
        handler: any IOHandler
    ) throws(IOError) -> IOHandle {
        try onLoop { core throws(IOError) in
            let handle = try core.reactor.listen(on: address, backlog: backlog, handler: handler)
            core.reactor.arm(.accept, on: handle)
            return handle
        }
    }

    /// Starts an outgoing connection; the handler hears `connected`, or `failed` at the latest after `timeout`.
    ///
    /// - Parameter local: The address of this machine to connect from, port 0 for any; nil leaves it to the kernel.
    /// - Throws: ``IOError``, as `.addressInUse` or `.badAddress` for `local`.
    package func connect(
        to address: SocketAddress,
        from local: SocketAddress? = nil,
        timeout: Duration = .seconds(10),
        handler: any IOHandler
    ) throws(IOError) -> IOHandle {
        try onLoop { core throws(IOError) in
            let relay = ConnectTimeout(handler: handler, loop: self)
            let handle = try core.reactor.connect(to: address, from: local, handler: relay)
            relay.timer = schedule(after: timeout) {
                relay.timer = nil
                guard core.reactor.isOpen(handle) else { return }
                relay.failed(handle, IOError(.timedOut, "connect to \(address): no answer within \(timeout)"))
            }
            return handle
        }
    }

    /// Binds a datagram socket and starts receiving, at most 65,507 bytes a datagram.
    package func bindDatagrams(to address: SocketAddress, handler: any IOHandler) throws(IOError) -> IOHandle {
        try onLoop { core throws(IOError) in
            let handle = try core.reactor.bindDatagrams(to: address, handler: handler)
            core.reactor.arm(.receiveDatagrams, on: handle)
            return handle
        }
    }

    /// Gives a fresh connection away to another loop; nil where the backend can't.
    package func detach(_ handle: IOHandle) -> DetachedConnection? {
        (try? onLoop { core throws(IOError) in core.reactor.detach(handle) }) ?? nil
    }

    /// Takes a connection that another loop gave away.
    package func attach(_ connection: DetachedConnection) throws(IOError) -> IOHandle {
        try onLoop { core throws(IOError) in try core.reactor.attach(connection) }
    }

    /// Has TCP probe a silent peer of a connection, or no longer (nil).
    ///
    /// On a listener it holds for all that are accepted from then on.
    package func setKeepAlive(_ keepAlive: KeepAlive?, of handle: IOHandle) {
        try? onLoop { core throws(IOError) in core.reactor.setKeepAlive(keepAlive, of: handle) }
    }

    /// Names who hears of a handle from now on.
    package func setHandler(_ handler: any IOHandler, of handle: IOHandle) {
        try? onLoop { core throws(IOError) in core.reactor.setHandler(handler, of: handle) }
    }

    /// Starts or goes on receiving.
    package func startReceiving(_ handle: IOHandle) {
        try? onLoop { core throws(IOError) in core.reactor.arm(.receive, on: handle) }
    }

    /// Stops receiving, so that the kernel's flow control holds the peer; what had arrived may still be delivered.
    package func pauseReceiving(_ handle: IOHandle) {
        try? onLoop { core throws(IOError) in core.reactor.pause(.receive, on: handle) }
    }

    /// Queues one send for the end of the turn.
    package func send(_ batch: SendBatch, on handle: IOHandle) -> SendAdmission {
        (try? onLoop { core throws(IOError) in core.reactor.send(batch, on: handle) }) ?? .closed
    }

    /// Whether a send is under way, as when the peer takes nothing.
    package func isSending(_ handle: IOHandle) -> Bool {
        (try? onLoop { core throws(IOError) in core.reactor.isSending(handle) }) ?? false
    }

    /// Sends one datagram now; false when it is too long or the kernel has no room.
    package func sendDatagram(_ bytes: Span<UInt8>, to address: SocketAddress, on handle: IOHandle) -> Bool {
        (try? onLoop { core throws(IOError) in core.reactor.sendDatagram(bytes, to: address, on: handle) }) ?? false
    }

    /// Half-closes once what was queued has been sent.
    package func finish(_ handle: IOHandle) {
        try? onLoop { core throws(IOError) in core.reactor.finish(handle) }
    }

    /// Closes at once; the handler hears `closed` once the kernel has let go.
    package func close(_ handle: IOHandle) {
        try? onLoop { core throws(IOError) in core.reactor.close(handle) }
    }

    /// The address a handle is bound to.
    package func localAddress(of handle: IOHandle) -> SocketAddress? {
        (try? onLoop { core throws(IOError) in core.reactor.localAddress(of: handle) }) ?? nil
    }

    /// The address of a connection's peer.
    package func peerAddress(of handle: IOHandle) -> SocketAddress? {
        (try? onLoop { core throws(IOError) in core.reactor.peerAddress(of: handle) }) ?? nil
    }
}

/// Stands in for a handler until its connection stands or the time is up.
private final class ConnectTimeout: IOHandler {
    private let handler: any IOHandler
    private unowned let loop: EventLoop
    var timer: TimerID?

    init(handler: any IOHandler, loop: EventLoop) {
        self.handler = handler
        self.loop = loop
    }

    func connected(_ handle: IOHandle) {
        loop.cancel(timer)
        loop.setHandler(handler, of: handle)
        handler.connected(handle)
    }

    func failed(_ handle: IOHandle, _ error: IOError) {
        loop.cancel(timer)
        loop.setHandler(handler, of: handle)
        handler.failed(handle, error)
    }

    func closed(_ handle: IOHandle) {
        loop.cancel(timer)
        handler.closed(handle)
    }
}

extension Duration {
    /// Whole nanoseconds, clamped to about ±292 years.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        return product.addingReportingOverflow(attoseconds / 1_000_000_000).partialValue
    }
}
