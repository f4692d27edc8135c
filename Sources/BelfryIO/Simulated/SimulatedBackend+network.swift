// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import DequeModule
import Glibc

// Names, the ways to a connection, and datagrams.
extension SimulatedBackend {
    mutating func listen(on address: SocketAddress, backlog: Int) throws(IOError) -> IOHandle {
        let doing = "listen on \(address)"
        let socket = try makeSocket(.listener, address, doing)
        guard let local = names.addListener(socket, at: address) else { throw IOError(errno: EADDRINUSE, doing) }
        socket.local = local
        socket.maxBacklog = max(backlog, 1)
        return open(socket)
    }

    mutating func bindDatagrams(to address: SocketAddress) throws(IOError) -> IOHandle {
        let doing = "bind datagrams to \(address)"
        let socket = try makeSocket(.datagrams, address, doing)
        guard let local = names.addDatagrams(socket, at: address) else { throw IOError(errno: EADDRINUSE, doing) }
        socket.local = local
        return open(socket)
    }

    mutating func connect(to address: SocketAddress, from local: SocketAddress?) throws(IOError) -> IOHandle {
        let socket = try makeSocket(.stream, address, "connect to \(address)")
        if let local { try checkSource(local, towards: address) }
        let source = local.flatMap(\.ownHost) ?? Self.source(towards: address)
        socket.local = source.map { names.withPort($0) }
        socket.remote = address
        socket.isConnecting = true
        let handle = open(socket)
        guard let listener = names.listener(at: address) else {
            fail(socket, names.refusal(at: address))
            return handle
        }
        listener.knocking.append(socket)
        admit(listener)
        return handle
    }

    /// Refuses what a kernel would refuse to bind to: another family, another machine's address, a port that is served.
    private func checkSource(_ local: SocketAddress, towards address: SocketAddress) throws(IOError) {
        let doing = "bind to \(local)"
        guard local.family == address.family else { throw IOError(errno: EINVAL, doing) }
        guard local.isSimulated else { throw IOError(errno: EADDRNOTAVAIL, doing) }
        guard local.port == 0 || names.listener(at: local) == nil else { throw IOError(errno: EADDRINUSE, doing) }
    }

    private func makeSocket(
        _ role: SimulatedSocket.Role,
        _ address: SocketAddress,
        _ doing: String
    ) throws(IOError) -> SimulatedSocket {
        guard hasDescriptors else { throw IOError(errno: EMFILE, doing) }
        _ = try address.storage()
        return SimulatedSocket(role)
    }

    /// The loopback address that a connection comes from; nil for a Unix socket, which has no name then.
    private static func source(towards address: SocketAddress) -> SocketAddress? {
        switch address {
        case .ipv4: .loopback(port: 0)
        case .ipv6: .ipv6(high: 0, low: 1, port: 0, scope: 0)
        case .unix: nil
        }
    }

    /// Completes the connections that find room in the backlog, before anybody accepts them, as TCP does.
    private mutating func admit(_ listener: SimulatedSocket) {
        while listener.backlog.count < listener.maxBacklog, let client = listener.knocking.popFirst() {
            guard let handle = client.handle else { continue }
            let server = SimulatedSocket(.stream, local: client.remote)
            server.remote = client.local
            server.peer = client
            client.peer = server
            client.isConnecting = false
            pending.append(.connected(handle))
            list(client)
            listener.backlog.append(server)
            list(listener)
        }
    }

    mutating func accept(_ listener: SimulatedSocket, into batch: inout CompletionBatch) {
        guard listener.isArmed, let handle = listener.handle else { return }
        var budget = options.maxAcceptsPerTurn
        while budget > 0, !listener.backlog.isEmpty {
            guard hasDescriptors else {
                listener.isStarved = true
                batch.items.append(.starved(handle))
                return
            }
            let connection = listener.backlog.removeFirst()
            batch.items.append(.accepted(handle, connection: open(connection)))
            budget -= 1
        }
        listener.isStarved = false
        admit(listener)
        if !listener.backlog.isEmpty { list(listener) }
    }

    /// Ends a listener: who waits at it is told.
    mutating func dismiss(_ listener: SimulatedSocket) {
        names.removeListener(listener)
        for connection in listener.backlog {
            guard let client = connection.peer else { continue }
            breakOff(client, ECONNRESET)
            connection.peer = nil
        }
        for client in listener.knocking where client.handle != nil { fail(client, ECONNREFUSED) }
        listener.backlog = []
        listener.knocking = []
    }

    // MARK: Datagrams

    mutating func sendDatagram(_ bytes: Span<UInt8>, to address: SocketAddress, on handle: IOHandle) -> Bool {
        guard let socket = socket(handle), let sender = socket.local, bytes.count <= Self.maxDatagramBytes else {
            return false
        }
        // Lost without a word where nobody is or where there is no room.
        guard let target = names.datagrams(at: address), target.datagrams.count < Self.maxQueuedDatagrams else {
            return true
        }
        target.datagrams.append((sender, unsafe bytes.withUnsafeBytes { unsafe Array($0) }))
        list(target)
        return true
    }

    mutating func receiveDatagrams(_ socket: SimulatedSocket, into batch: inout CompletionBatch) {
        guard let handle = socket.handle, socket.isArmed else { return }
        while let (sender, bytes) = socket.datagrams.first {
            guard !random.chance(options.simulatedFaults.bufferExhaustion), let buffer = datagramPool.take() else {
                return list(socket)
            }
            socket.datagrams.removeFirst()
            unsafe bytes.withUnsafeBytes { source in
                guard let start = source.baseAddress else { return }
                unsafe datagramPool.address(buffer).copyMemory(from: start, byteCount: source.count)
            }
            batch.senders.append(sender)
            let index = batch.senders.count - 1
            batch.items.append(.receivedDatagram(handle, buffer: buffer, count: bytes.count, sender: index))
        }
    }
}

extension SocketAddress {
    /// Whether the simulated machine has this address: the loopback ones and "any".
    fileprivate var isSimulated: Bool {
        switch self {
        case .ipv4(let address, _): address == 0 || address >> 24 == 127
        case .ipv6(let high, let low, _, _): high == 0 && low <= 1
        case .unix: true
        }
    }

    /// The address that a connection shows that is bound to this one; nil for "any" without a port.
    fileprivate var ownHost: SocketAddress? {
        switch self {
        case .ipv4(0, let port): port == 0 ? nil : .loopback(port: port)
        case .ipv6(0, 0, let port, _): port == 0 ? nil : .ipv6(high: 0, low: 1, port: port, scope: 0)
        case .ipv4, .ipv6, .unix: self
        }
    }
}
