// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// What a client is told before it connects, with the checks of the wire's §5.3.
struct ClientSettings: Sendable {
    private(set) var address: String?
    private(set) var port: Int?
    private(set) var clientID: String?
    private(set) var interface: String?
    private(set) var bindPort: Int?

    /// Takes a value; `attempt_reconnect` is none of these.
    mutating func set(_ property: Client.Property, to value: PropertyValue) throws(MissionCommanderError) {
        switch property {
        case .address: address = try value.text("Address")
        case .port: port = try value.port("Port", in: 1...65_535)
        case .clientID: clientID = try value.text("Client ID")
        case .interface: interface = try value.text("Interface")
        case .bindPort: bindPort = try value.port("Bind port", in: 0...65_535)
        case .attemptReconnect: break
        }
    }

    /// Unsets a port.
    mutating func unset(_ property: Client.Property) {
        switch property {
        case .port: port = nil
        case .bindPort: bindPort = nil
        case .address, .clientID, .interface, .attemptReconnect: break
        }
    }

    func get(_ property: Client.Property) -> PropertyValue {
        switch property {
        case .address: PropertyValue(address)
        case .port: PropertyValue(port)
        case .clientID: PropertyValue(clientID)
        case .interface: PropertyValue(interface)
        case .bindPort: PropertyValue(bindPort)
        case .attemptReconnect: .null
        }
    }

    /// Whether all that connecting needs is set.
    var isComplete: Bool { (try? target()) != nil }

    /// Where to connect to and as whom.
    func target() throws(MissionCommanderError) -> (endpoint: Endpoint, id: String) {
        guard let address, !address.isEmpty else { throw MissionCommanderError(.notSet, "Address not set") }
        guard let port, let number = UInt16(exactly: port) else { throw MissionCommanderError(.notSet, "Port not set") }
        guard let clientID, !clientID.isEmpty else { throw MissionCommanderError(.notSet, "Client ID not set") }
        if let numeric = SocketAddress(numericHost: address, port: number) { return (.address(numeric), clientID) }
        return (.name(address, port: number), clientID)
    }

    /// The interface is of no use without a port to leave from.
    func checkLocalEnd() throws(MissionCommanderError) {
        if isBoundToInterface, bindPort == nil { throw MissionCommanderError(.notSet, "Bind port not set") }
    }

    /// Nothing, an empty text and `*` all mean any interface.
    private var isBoundToInterface: Bool { !(interface ?? "").isEmpty && interface != "*" }

    /// The address to connect from, nil for any; a device's is looked up, since it may change between two attempts.
    ///
    /// - Throws: ``IOError`` `.badAddress` for an interface that is neither an address nor a device with one.
    func localAddress() throws(IOError) -> SocketAddress? {
        guard let bindPort, let port = UInt16(exactly: bindPort) else { return nil }
        guard isBoundToInterface, let interface else { return port == 0 ? nil : .ipv4(0, port: port) }
        if let numeric = SocketAddress(numericHost: interface, port: port) { return numeric }
        guard case .ipv4(let address, _)? = NetworkInterface.ipv4Address(named: interface) else {
            throw IOError(.badAddress, "bind to \(interface): no such address or device")
        }
        return .ipv4(address, port: port)
    }
}
