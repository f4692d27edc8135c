// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// Where a server listens, as a person says it.
enum ServerAddress {
    /// Reads an interface: empty or `*` for all IPv4 addresses, a device's name, an address, or a host's name.
    ///
    /// - Throws: ``IOError`` `.nameNotResolved`, `.timedOut` or `.badAddress`.
    static func resolve(_ interface: String, _ port: UInt16) async throws(IOError) -> SocketAddress {
        if interface.isEmpty || interface == "*" { return .ipv4(0, port: port) }
        if let address = NetworkInterface.ipv4Address(named: interface, port: port) { return address }
        let addresses = try await NameResolver.shared.resolve(Endpoint(parsing: "\(interface):\(port)"))
        // The original speaks IPv4.
        let found = addresses.first { if case .ipv4 = $0 { true } else { false } } ?? addresses.first
        guard let found else { throw IOError(.nameNotResolved, "'\(interface)' has no address") }
        return found
    }
}
