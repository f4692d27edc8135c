// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Logging

/// Takes connections for a front-end and spreads them over the broker's loops.
///
/// Loop-confined to the first loop.
final class Listener: IOHandler {
    let address: SocketAddress
    let frontEnd: any FrontEnd
    private unowned let context: LoopContext
    private(set) var handle = IOHandle.none
    private var next = 0
    private var isStarved = false

    init(on address: SocketAddress, frontEnd: any FrontEnd, context: LoopContext) throws(IOError) {
        self.frontEnd = frontEnd
        self.context = context
        self.address = address
    }

    /// Binds and starts accepting; returns the address, with the port that the kernel chose for port 0.
    func start() throws(IOError) -> SocketAddress {
        handle = try context.loop.listen(on: address, handler: self)
        if let keepAlive = frontEnd.keepAlive { context.loop.setKeepAlive(keepAlive, of: handle) }
        return context.loop.localAddress(of: handle) ?? address
    }

    func accepted(_ connection: IOHandle, on listener: IOHandle) {
        isStarved = false
        let shared = context.shared
        let peer = context.loop.peerAddress(of: connection)
        guard admit(peer) else { return context.loop.close(connection) }
        next = (next + 1) % shared.loops.count
        guard next != context.index, let transfer = context.loop.detach(connection) else {
            return context.open(connection, peer: peer, frontEnd: frontEnd)
        }
        let frontEnd = self.frontEnd
        let box = shared.context(next)
        let loop = shared.loops[next]
        loop.execute {
            guard let handle = try? loop.attach(transfer) else {
                shared.counters.closed()
                return shared.addresses.release(peer)
            }
            box.value.open(handle, peer: peer, frontEnd: frontEnd)
        }
    }

    private func admit(_ peer: SocketAddress?) -> Bool {
        let shared = context.shared
        let limits = shared.configuration.limits
        guard !context.isStopped, shared.counters.open(limit: limits.maxConnections) else {
            shared.counters.refused()
            context.logger.warning(
                "A connection was refused: maxConnections.",
                metadata: ["limit": "\(limits.maxConnections)"]
            )
            return false
        }
        guard shared.addresses.admit(peer) else {
            shared.counters.refused()
            shared.counters.closed()
            context.logger.warning(
                "A connection was refused: maxConnectionsPerAddress.",
                metadata: ["address": "\(peer?.host ?? "-")", "limit": "\(limits.maxConnectionsPerAddress)"]
            )
            return false
        }
        return true
    }

    func starved(_ listener: IOHandle) {
        guard !isStarved else { return }
        isStarved = true
        context.logger.warning(
            "No descriptors left: accepting waits until some come back.",
            metadata: ["listener": "\(address)"]
        )
    }

    func failed(_ handle: IOHandle, _ error: IOError) {
        context.logger.error("A listener failed.", metadata: ["listener": "\(address)", "error": "\(error)"])
        context.loop.close(handle)
    }

    func stop() { context.loop.close(handle) }
}

extension LoopContext {
    /// Makes a connection of an accepted socket, on this loop.
    func open(_ handle: IOHandle, peer: SocketAddress?, frontEnd: any FrontEnd) {
        let id = SessionID(counter: nextNumber(), loop: index)
        let connection = Connection(id: id, handle: handle, peer: peer, frontEnd: frontEnd, context: self)
        let handler = frontEnd.makeHandler(for: connection)
        connection.handler = handler
        connection.lastReceived = turnTime
        connections[id] = connection
        loop.setHandler(connection, of: handle)
        loop.startReceiving(handle)
        handler.opened()
        // It was on its way between two loops when the others were told.
        if isStopped { connection.handler?.drain() }
    }
}
