// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Who listens where in the simulated network.
struct SimulatedNames {
    private var listening: [SocketAddress: SimulatedSocket] = [:]
    private var datagrams: [SocketAddress: SimulatedSocket] = [:]
    /// Paths that were bound once: their files stay behind, as a Unix socket's do.
    private var files: Set<String> = []
    private var lastPort: UInt16 = 49_151

    var listeners: Dictionary<SocketAddress, SimulatedSocket>.Values { listening.values }

    /// Enters a listener; the address it got, or nil when there is one already.
    mutating func addListener(_ socket: SimulatedSocket, at wanted: SocketAddress) -> SocketAddress? {
        let address = withPort(wanted)
        guard Self.find(address, in: listening) == nil else { return nil }
        if case .unix(let path) = address { files.insert(path) }
        listening[address] = socket
        return address
    }

    mutating func addDatagrams(_ socket: SimulatedSocket, at wanted: SocketAddress) -> SocketAddress? {
        let address = withPort(wanted)
        guard Self.find(address, in: datagrams) == nil else { return nil }
        datagrams[address] = socket
        return address
    }

    mutating func removeListener(_ socket: SimulatedSocket) { socket.local.map { listening[$0] = nil } }
    mutating func removeDatagrams(_ socket: SimulatedSocket) { socket.local.map { datagrams[$0] = nil } }

    /// The listener that a connection to `address` reaches.
    func listener(at address: SocketAddress) -> SimulatedSocket? { Self.find(address, in: listening) }

    /// The socket that a datagram to `address` reaches.
    func datagrams(at address: SocketAddress) -> SimulatedSocket? { Self.find(address, in: datagrams) }

    /// The `errno` of a connection to an address where nobody listens.
    func refusal(at address: SocketAddress) -> Int32 {
        if case .unix(let path) = address, !files.contains(path) { return ENOENT }
        return ECONNREFUSED
    }

    /// The address itself, with a fresh port number where it has 0.
    mutating func withPort(_ address: SocketAddress) -> SocketAddress {
        guard address.port == 0 else { return address }
        var found = address
        repeat {
            lastPort = lastPort == .max ? 49_152 : lastPort + 1
            found = address.with(port: lastPort)
        } while Self.find(found, in: listening) != nil || Self.find(found, in: datagrams) != nil
        return found
    }

    /// An exact match, else whoever has the port on all addresses.
    private static func find(_ address: SocketAddress, in table: [SocketAddress: SimulatedSocket]) -> SimulatedSocket? {
        if let exact = table[address] { return exact }
        return address.wildcard.flatMap { table[$0] }
    }
}

extension SocketAddress {
    /// The same place with another port; a Unix socket has none.
    func with(port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let address, _): .ipv4(address, port: port)
        case .ipv6(let high, let low, _, let scope): .ipv6(high: high, low: low, port: port, scope: scope)
        case .unix: self
        }
    }

    /// All addresses of the family, with the same port.
    fileprivate var wildcard: SocketAddress? {
        switch self {
        case .ipv4(_, let port): .ipv4(0, port: port)
        case .ipv6(_, _, let port, _): .ipv6(high: 0, low: 0, port: port, scope: 0)
        case .unix: nil
        }
    }
}
