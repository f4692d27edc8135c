// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A client's life without network, clock or task: what happened comes in, what is to be done goes out.
///
/// It holds every transition of the wire's §5.2, with RUNNING where a client is connected or on the way.
struct ClientStateMachine: ~Copyable {
    /// What the shell does, in the order of the answer.
    enum Action: Equatable {
        /// Tell those who listen.
        case emit(ClientEvent)
        /// Start an attempt to connect.
        case open
        /// Close the link, or the attempt, at once.
        case abort
        /// Send the negotiation, then what waits.
        case introduce
        /// Send what waits and `shutdown`, end the stream, and wait for the server to end its own.
        case sayGoodbye
        /// Wait before the attempt with this number, 0 for the first after a break.
        case pause(before: Int)
        /// Forget that wait.
        case stopPausing
        /// Wait for the callbacks that hear of the server's shutdown.
        case awaitCallbacks
        /// Forget messages that wait to be sent.
        case discardOutbox
        /// Let `connect()` return.
        case finishConnect(Bool)
        /// Let `disconnect()` return.
        case finishDisconnect(Bool)
    }

    /// Why an attempt came to nothing.
    enum Failure: Equatable {
        /// The server's machine said no, or cannot be reached: it may be back later.
        case refused
        /// No answer within the time.
        case timedOut
        /// Not even begun: the local end can't be bound, or the name has no address.
        case unusable
    }

    /// Where messages given to `send` go.
    enum Outlet: Equatable {
        case none, queue, link
    }

    private enum Phase: Equatable {
        case idle
        /// The attempt that `connect()` waits for.
        case connecting
        /// Between two attempts to come back.
        case pausing(Int)
        case retrying(Int)
        case connected
        /// The server said `shutdown`; its callbacks run.
        case stopping(linkIsGone: Bool)
        /// `disconnect()` is under way.
        case leaving(goodbyeIsOut: Bool)
    }

    /// The state shown.
    private(set) var state: ClientState = [.needsInit, .notConnected]
    /// Whether a broken link is to be mended.
    private(set) var attemptReconnect: Bool
    private var phase = Phase.idle
    private var id = ""
    /// No connection has stood since `connect()`.
    private var isFirst = true

    init(attemptReconnect: Bool) { self.attemptReconnect = attemptReconnect }

    // MARK: What is wanted

    /// Address, port and ID are all set.
    mutating func configured() -> [Action] {
        guard state.contains(.needsInit) else { return [] }
        return change(to: state.subtracting(.needsInit))
    }

    /// nil: it is connected already, or on the way.
    mutating func connect(as id: String) -> [Action]? {
        guard case .idle = phase else { return nil }
        self.id = id
        isFirst = true
        phase = .connecting
        return change(to: [.ok, .running, .connecting]) + [.open]
    }

    /// Ends the attempt that `connect()` waits for, if there is one.
    mutating func cancelConnect() -> [Action] {
        guard case .connecting = phase else { return [] }
        return failToConnect([.notConnected, .connectFailed])
    }

    /// nil: there is nothing to disconnect.
    mutating func disconnect() -> [Action]? {
        switch phase {
        case .idle, .connecting, .leaving: return nil
        case .pausing, .retrying:
            return [.emit(.disconnect), .stopPausing, .abort] + end([.ok, .notConnected]) + [.finishDisconnect(true)]
        case .stopping(linkIsGone: true):
            return [.emit(.disconnect), .abort] + end([.ok, .notConnected]) + [.finishDisconnect(true)]
        case .connected, .stopping(linkIsGone: false):
            phase = .leaving(goodbyeIsOut: false)
            return [.emit(.disconnect)] + change(to: [.ok, .running, .disconnecting]) + [.sayGoodbye]
        }
    }

    /// Switching off ends reconnecting that is under way.
    mutating func setAttemptReconnect(_ isOn: Bool) -> [Action] {
        attemptReconnect = isOn
        return isOn ? [] : giveUp()
    }

    /// Reconnecting has come to its end without success.
    mutating func giveUp() -> [Action] {
        switch phase {
        case .pausing, .retrying: [.stopPausing, .abort] + end([.notConnected, .reconnectFailed])
        case .idle, .connecting, .connected, .stopping, .leaving: []
        }
    }

    // MARK: What happened

    mutating func linkStands() -> [Action] {
        let isWaitedFor = phase == .connecting
        switch phase {
        case .connecting, .retrying: break
        case .idle, .pausing, .connected, .stopping, .leaving: return []
        }
        phase = .connected
        defer { isFirst = false }
        return [.introduce] + change(to: [.ok, .running, .connected])
            + [.emit(isFirst ? .connect(id: id) : .reconnect(id: id))] + (isWaitedFor ? [.finishConnect(true)] : [])
    }

    mutating func attemptFailed(_ failure: Failure) -> [Action] {
        switch phase {
        case .connecting where failure == .refused && attemptReconnect:
            return comeBack() + [.finishConnect(true)]
        case .connecting:
            let unanswered: ClientState = failure == .timedOut ? .unexpectedlyClosed : []
            return failToConnect(unanswered.union([.notConnected, .connectFailed]))
        case .retrying(let attempt):
            phase = .pausing(attempt &+ 1)
            return [.abort, .pause(before: attempt &+ 1)]
        case .idle, .pausing, .connected, .stopping, .leaving: return []
        }
    }

    mutating func pauseOver() -> [Action] {
        guard case .pausing(let attempt) = phase else { return [] }
        phase = .retrying(attempt)
        return [.open]
    }

    mutating func linkBroke() -> [Action] {
        switch phase {
        case .connected where attemptReconnect:
            return comeBack()
        case .connected:
            return [.abort] + end([.notConnected, .unexpectedlyClosed])
        case .stopping:
            phase = .stopping(linkIsGone: true)
            return [.abort]
        case .leaving(let goodbyeIsOut):
            let state: ClientState = goodbyeIsOut ? [.ok, .notConnected] : [.notConnected, .disconnectFailed]
            return [.abort] + end(state) + [.finishDisconnect(goodbyeIsOut)]
        case .idle, .connecting, .pausing, .retrying: return []
        }
    }

    /// The server's `shutdown` came.
    mutating func serverStops() -> [Action] {
        guard case .connected = phase else { return [] }
        phase = .stopping(linkIsGone: false)
        return [.emit(.serverShutdown), .awaitCallbacks]
    }

    /// The callbacks that hear of the server's shutdown have returned, or had their time.
    mutating func callbacksReturned() -> [Action] {
        guard case .stopping = phase else { return [] }
        return [.abort] + end([.ok, .notConnected])
    }

    /// `shutdown` and all before it are with the kernel.
    mutating func goodbyeIsOut() {
        if case .leaving = phase { phase = .leaving(goodbyeIsOut: true) }
    }

    /// The server has ended its side too, or had its time for it.
    mutating func goodbyeIsOver() -> [Action] {
        guard case .leaving = phase else { return [] }
        return [.abort] + end([.ok, .notConnected]) + [.finishDisconnect(true)]
    }

    /// The server did not take what was to be sent.
    mutating func goodbyeTimedOut() -> [Action] {
        guard case .leaving = phase else { return [] }
        return [.abort] + end([.notConnected, .disconnectFailed, .unexpectedlyClosed]) + [.finishDisconnect(false)]
    }

    /// The event loop has ended: nothing more can be tried.
    mutating func loopStopped() -> [Action] {
        attemptReconnect = false
        switch phase {
        case .connecting: return cancelConnect()
        case .pausing, .retrying: return giveUp()
        case .stopping: return callbacksReturned()
        case .idle, .connected, .leaving: return linkBroke()
        }
    }

    /// Where a message goes that is given to `send` now.
    var outlet: Outlet {
        switch phase {
        case .connected: .link
        case .connecting, .pausing, .retrying: .queue
        case .idle, .stopping, .leaving: .none
        }
    }

    // MARK: Steps

    private mutating func comeBack() -> [Action] {
        phase = .pausing(0)
        return [.abort] + change(to: [.ok, .running, .connecting, .reconnecting]) + [.pause(before: 0)]
    }

    private mutating func failToConnect(_ state: ClientState) -> [Action] {
        [.abort] + end(state) + [.finishConnect(false)]
    }

    private mutating func end(_ state: ClientState) -> [Action] {
        phase = .idle
        return [.discardOutbox] + change(to: state)
    }

    private mutating func change(to new: ClientState) -> [Action] {
        guard new != state else { return [] }
        defer { state = new }
        return [.emit(.stateChange(ClientStateTransition(from: state, to: new)))]
    }
}
