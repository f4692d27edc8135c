// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a client is about, as a field of bits (MissionCommander wire, §5.1).
///
/// The values are the original's. A connected client shows `[.ok, .running, .connected]`, which is 38.
public struct ClientState: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: Int

    /// Makes a state of any bits, known ones or not.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// No bit: never the state of a client.
    public static let undefined = ClientState([])
    /// The address, the port or the client's ID is not set yet.
    public static let needsInit = ClientState(rawValue: 1)
    /// The last thing that was tried worked, or is under way.
    public static let ok = ClientState(rawValue: 2)
    /// Connected or on the way: properties can't be changed.
    public static let running = ClientState(rawValue: 4)
    /// There is no connection, and none is tried.
    public static let notConnected = ClientState(rawValue: 8)
    /// A connection is tried.
    public static let connecting = ClientState(rawValue: 16)
    /// The connection stands.
    public static let connected = ClientState(rawValue: 32)
    /// The last `connect()` failed.
    public static let connectFailed = ClientState(rawValue: 64)
    /// The link broke, or did not come about at first, and is tried again.
    public static let reconnecting = ClientState(rawValue: 128)
    /// Reconnecting was switched off, or given up, before it worked.
    public static let reconnectFailed = ClientState(rawValue: 256)
    /// `disconnect()` is under way.
    public static let disconnecting = ClientState(rawValue: 512)
    /// The last `disconnect()` could not say goodbye to the server.
    public static let disconnectFailed = ClientState(rawValue: 1024)
    /// The link is gone without having been closed by either side.
    public static let unexpectedlyClosed = ClientState(rawValue: 2048)

    /// The original's names, lowest bit first.
    private static let names: [(state: ClientState, name: String)] = [
        (.needsInit, "STATE_NEEDS_INIT"),
        (.ok, "STATE_OK"),
        (.running, "STATE_RUNNING"),
        (.notConnected, "STATE_NOT_CONNECTED"),
        (.connecting, "STATE_CONNECTING"),
        (.connected, "STATE_CONNECTED"),
        (.connectFailed, "STATE_CONNECT_FAILED"),
        (.reconnecting, "STATE_RECONNECTING"),
        (.reconnectFailed, "STATE_RECONNECT_FAILED"),
        (.disconnecting, "STATE_DISCONNECTING"),
        (.disconnectFailed, "STATE_DISCONNECT_FAILED"),
        (.unexpectedlyClosed, "STATE_UNEXP_CLOSED"),
    ]

    /// The original's names of the bits of a value, lowest first, joined with `, `; nil if it has none that is known.
    ///
    /// 0 is `STATE_UNDEFINED`.
    public static func name(of rawValue: Int) -> String? {
        guard rawValue != 0 else { return "STATE_UNDEFINED" }
        let state = ClientState(rawValue: rawValue)
        let found = names.filter { state.contains($0.state) }.map(\.name)
        return found.isEmpty ? nil : found.joined(separator: ", ")
    }

    /// The original's names of the bits; nil if none is known.
    public var name: String? { Self.name(of: rawValue) }
}

extension ClientState: CustomStringConvertible {
    /// The names of the bits, or the number where there are none.
    public var description: String { name ?? "\(rawValue)" }
}
