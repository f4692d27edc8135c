// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Makes connections to endpoints: looks the name up, then tries the addresses in turn.
package struct Connector: Sendable {
    private let loop: EventLoop
    private let resolver: NameResolver

    /// Makes a connector whose connections live on `loop`.
    package init(on loop: EventLoop, resolver: NameResolver = .shared) {
        self.loop = loop
        self.resolver = resolver
    }

    /// Connects to the first address of an endpoint that answers.
    ///
    /// The connection has no handler yet and receives nothing: on the loop, give it one and start receiving. Cancelling
    /// the task closes what was under way.
    ///
    /// - Parameter timeout: For everything together: the look-up and all attempts.
    /// - Throws: ``IOError``: the last attempt's, `.nameNotResolved`, or `.timedOut`.
    package func connect(to endpoint: Endpoint, timeout: Duration = .seconds(10)) async throws(IOError) -> IOHandle {
        try await connect(to: endpoint, timeout: timeout, by: attempt)
    }

    /// The same with attempts of the caller's own, so that the connection's handler hears of it from the beginning.
    package func connect<Connection>(
        to endpoint: Endpoint,
        timeout: Duration,
        by attempt: (SocketAddress, Duration) async throws(IOError) -> Connection
    ) async throws(IOError) -> Connection {
        let deadline = ContinuousClock.now.advanced(by: timeout)
        let addresses = try await resolver.resolve(endpoint, timeout: timeout)
        return try await connect(toAnyOf: addresses, named: "\(endpoint)", until: deadline, by: attempt)
    }

    /// Tries addresses in turn; each gets its share of what is left of the time, so one that is silent is not the last.
    func connect(
        toAnyOf addresses: [SocketAddress],
        named name: String,
        until deadline: ContinuousClock.Instant
    ) async throws(IOError) -> IOHandle {
        try await connect(toAnyOf: addresses, named: name, until: deadline, by: attempt)
    }

    private func connect<Connection>(
        toAnyOf addresses: [SocketAddress],
        named name: String,
        until deadline: ContinuousClock.Instant,
        by attempt: (SocketAddress, Duration) async throws(IOError) -> Connection
    ) async throws(IOError) -> Connection {
        var failure = IOError(.timedOut, "connect to \(name): out of time")
        for (index, address) in addresses.enumerated() {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { break }
            do throws(IOError) {
                return try await attempt(address, left / (addresses.count - index))
            } catch {
                failure = IOError(error.code, "connect to \(name): \(error.message)")
                if error.code == .closed { break }
            }
        }
        throw failure
    }

    private func attempt(_ address: SocketAddress, _ timeout: Duration) async throws(IOError) -> IOHandle {
        try await ConnectAttempt(loop).connect(to: address, timeout: timeout)
    }
}

/// One attempt at one address.
private actor ConnectAttempt: LoopBound {
    nonisolated let loop: EventLoop

    init(_ loop: EventLoop) { self.loop = loop }

    func connect(to address: SocketAddress, timeout: Duration) async throws(IOError) -> IOHandle {
        let outcome = ConnectOutcome()
        let handle = try loop.connect(to: address, timeout: timeout, handler: outcome)
        switch await outcome.parker.park() {
        case .value(nil):
            // Cancelled at the last moment: nobody would close it.
            guard !Task.isCancelled else { break }
            return handle
        case .value(let error?):
            loop.close(handle)
            throw error
        case .cancelled:
            break
        }
        loop.close(handle)
        throw IOError(.closed, "cancelled")
    }
}

/// Hears how an attempt ends; loop-confined.
private final class ConnectOutcome: IOHandler {
    let parker = Parker<IOError?>()

    func connected(_ handle: IOHandle) { parker.unpark(nil) }
    func failed(_ handle: IOHandle, _ error: IOError) { parker.unpark(error) }
    func closed(_ handle: IOHandle) { parker.unpark(IOError(.closed, "the event loop has stopped")) }
}
