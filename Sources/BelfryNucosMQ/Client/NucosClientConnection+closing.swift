// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

// The ways to an end, in order or not.
extension NucosClientConnection {
    /// Says `shutdown` behind what is queued, and closes; what readers have no room for is dropped.
    func close() {
        guard case .up = phase else { return abort() }
        flushDeadline = loop.nowNanoseconds + max(0, setup.configuration.flushTimeout.nanoseconds)
        perform(machine.closes())
        rearm()
        wakeSenders()
        guard isStalled else { return }
        // The server's answer stands behind what was not read.
        stall = nil
        isStalled = false
        decoder.resume { self.handle($0, $1) }
        loop.startReceiving(handle)
        if endsAfterStall { endOfStream() }
    }

    /// The machine has ended: sends what is queued and ends this side.
    ///
    /// - Parameter lingers: the server is to read the last words, which a reset would take from it.
    func close(_ disconnection: NucosDisconnection, lingers: Bool) {
        guard case .up = phase else { return }
        phase = .flushing(lingers: lingers)
        if isStalled { loop.startReceiving(handle) }
        closeTimer = loop.schedule(after: setup.configuration.closeTimeout) { [weak self] in self?.abort() }
        settle(disconnection)
        pump()
    }

    func finished(_ handle: IOHandle) {
        guard case .finishing(let lingers) = phase else { return }
        if !lingers { abort() }
    }

    /// Closes at once.
    func abort() {
        switch phase {
        case .idle: phase = .closed
        case .closing, .closed: return
        case .connecting, .up, .flushing, .finishing:
            phase = .closing
            loop.close(handle)
        }
        settle(NucosDisconnection(.closed, "the client was dropped"))
    }

    func fail(_ disconnection: NucosDisconnection) {
        settle(disconnection)
        abort()
    }

    func failed(_ handle: IOHandle, _ error: IOError) {
        guard case .connecting = phase else { return fail(NucosDisconnection(.failed, error.message)) }
        failure = error
        standing.unpark()
    }

    func closed(_ handle: IOHandle) {
        if case .connecting = phase {
            failure = failure ?? IOError(.closed, "the event loop has stopped")
            standing.unpark()
        }
        settle(NucosDisconnection(.failed, "the event loop has stopped"))
        phase = .closed
        for waiter in goneWaiters { waiter.unpark() }
        goneWaiters = []
        loop.cancel(closeTimer)
    }

    /// Lets go of everybody who waits, and tells the client, once.
    func settle(_ disconnection: NucosDisconnection) {
        _ = machine.peerClosed()
        rearm()
        held = []
        stall = nil
        wakeSenders()
        answerAll(&openWaiters, false)
        answerAll(&pingWaiters, false)
        client?.assumeIsolated { [number] in $0.ended(number, disconnection) }
    }

    /// Returns when the socket is gone.
    func waitUntilGone() async {
        while true {
            if case .closed = phase { return }
            let waiter = Parker<Void>()
            goneWaiters.append(waiter)
            _ = await waiter.park()
        }
    }
}
