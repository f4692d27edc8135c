// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension Client {
    /// The properties by the original's names, for programs that know them only at run time.
    public enum Property: String, Sendable, Hashable, CaseIterable {
        /// The server's name or address.
        case address
        /// The server's port.
        case port
        /// Who the client is.
        case clientID = "client_id"
        /// The device or address to connect from.
        case interface
        /// The port to connect from.
        case bindPort = "bind_port"
        /// Whether a broken link is mended.
        case attemptReconnect = "attempt_reconnect"
    }

    /// Sets a property.
    ///
    /// - Throws: ``MissionCommanderError`` `.invalidValue` for a wrong type or a value out of bounds, `.running` while
    ///   the client runs; ``Property/attemptReconnect`` may be changed at any time.
    public func set(_ property: Property, to value: PropertyValue) throws(MissionCommanderError) {
        if property == .attemptReconnect {
            guard case .boolean(let isOn) = value else {
                throw MissionCommanderError(.invalidValue, "Attempt reconnect must be boolean value")
            }
            core.attemptReconnect = isOn
            return
        }
        try core.change(property.rawValue) { settings throws(MissionCommanderError) in
            try settings.set(property, to: value)
        }
    }

    /// A property's value; `.null` where it is unset.
    public func get(_ property: Property) -> PropertyValue {
        property == .attemptReconnect ? .boolean(core.attemptReconnect) : core.settings.get(property)
    }

    /// The server's name or address.
    public var address: String? { core.settings.address }
    /// The server's port.
    public var port: Int? { core.settings.port }
    /// Who the client is.
    public var clientID: String? { core.settings.clientID }
    /// The device or address to connect from; nil, an empty text and `*` mean any.
    public var interface: String? { core.settings.interface }
    /// The port to connect from, 0 for any; needed with an interface.
    public var bindPort: Int? { core.settings.bindPort }
    /// Whether a broken link is mended.
    public var attemptReconnect: Bool { core.attemptReconnect }

    /// Sets ``address``.
    ///
    /// - Throws: ``MissionCommanderError`` `.running` while the client runs.
    public func setAddress(_ address: String?) throws(MissionCommanderError) {
        try set(.address, to: PropertyValue(address))
    }

    /// Sets ``port``, from 1 to 65,535.
    ///
    /// - Throws: ``MissionCommanderError`` `.invalidValue`, or `.running` while the client runs.
    public func setPort(_ port: Int?) throws(MissionCommanderError) { try setPort(.port, port) }

    /// Sets ``clientID``.
    ///
    /// Two clients of one ID displace each other for ever.
    ///
    /// - Throws: ``MissionCommanderError`` `.running` while the client runs.
    public func setClientID(_ id: String?) throws(MissionCommanderError) {
        try set(.clientID, to: PropertyValue(id))
    }

    /// Sets ``interface``.
    ///
    /// - Throws: ``MissionCommanderError`` `.running` while the client runs.
    public func setInterface(_ interface: String?) throws(MissionCommanderError) {
        try set(.interface, to: PropertyValue(interface))
    }

    /// Sets ``bindPort``, from 0 to 65,535.
    ///
    /// - Throws: ``MissionCommanderError`` `.invalidValue`, or `.running` while the client runs.
    public func setBindPort(_ port: Int?) throws(MissionCommanderError) { try setPort(.bindPort, port) }

    /// Sets ``attemptReconnect``, at any time; switching it off ends reconnecting at once.
    public func setAttemptReconnect(_ isOn: Bool) { core.attemptReconnect = isOn }

    private func setPort(_ property: Property, _ port: Int?) throws(MissionCommanderError) {
        if let port { return try set(property, to: .integer(port)) }
        try core.change(property.rawValue) { $0.unset(property) }
    }
}
