// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import BelfryHTTP

/// How a Pocketsocket server is set up.
///
/// Every default is stated here.
public struct PocketsocketConfiguration: Sendable {
    /// Whether a client gets its own messages back, behind the receipt.
    public var echo = false
    /// Which rooms of the broker the clients are in: of those they hear every message, as `room.event`, and their
    /// messages of that channel are published there.
    public var rooms = Rooms.all
    /// Whether objects with a member `socket` are passed on: with them any client can say what else only the server says,
    /// as that somebody has gone.
    public var forwardsCoreEvents = true
    /// How far a client may fall behind; who falls further is disconnected, unless the policy says otherwise.
    public var lag = LagLimit(messages: 65_536, bytes: 32 * 1024 * 1024, policy: .disconnect)
    /// What is kept in memory for clients that come back and resume; 0 messages for none.
    ///
    /// From when the first client comes that can, to five minutes after the last one went. A broker with a store keeps it there instead, beyond the
    /// program's end.
    public var resumeHistory = HistoryLimit(messages: 1_000, bytes: 4 * 1024 * 1024)
    /// The bounds of the WebSockets.
    ///
    /// The pages that may connect are those of the same host and port, of this machine, and files; see
    /// `WebSocketOrigins` of `BelfryHTTP`.
    public var webSocket: WebSocketConfiguration
    /// Hears what an operator of the original sees with `-v`; called on event loops, it must not block.
    public var trace: (@Sendable (PocketsocketTrace) -> Void)?

    /// Rooms of the broker.
    public enum Rooms: Sendable, Hashable {
        /// All, but for private ones.
        ///
        /// WebSockets are not asked who they are: where another protocol is, its rooms should be listed.
        case all
        /// These alone.
        case listed(Set<String>)

        /// Whether a room is among them.
        public func contains(_ room: String) -> Bool {
            switch self {
            case .all: true
            case .listed(let rooms): rooms.contains(room)
            }
        }

        /// None: the clients have the server to themselves.
        public static let none = Rooms.listed([])
    }

    /// Makes a configuration with the defaults stated above.
    public init() {
        webSocket = WebSocketConfiguration()
        webSocket.origins = .local(and: ["null"])
    }
}

/// What happens in a server, as the original prints it with `-v` (Pocketsocket wire, §3).
public enum PocketsocketTrace: Sendable, Hashable, CustomStringConvertible {
    /// A client came.
    case connected(host: String, port: UInt16)
    /// A client went.
    case disconnected(host: String, port: UInt16)
    /// A client said something.
    case received(String)
    /// Something was sent, to so many clients; receipts are not told.
    case sent(String, receivers: Int)

    /// The line, or lines: one for each receiver.
    public var description: String {
        switch self {
        case .connected(let host, let port): "connected ('\(host)', \(port))"
        case .disconnected(let host, let port): "disconnected ('\(host)', \(port))"
        case .received(let text): "Receive: \(Self.printable(text))"
        case .sent(let text, let receivers):
            Array(repeating: "Send: \(Self.printable(text))", count: max(0, receivers)).joined(separator: "\n")
        }
    }

    /// Without control characters: a client is not to write lines, or to the terminal, of its own.
    private static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
        return text.unicodeScalars.map { scalar in
            guard scalar.properties.generalCategory == .control else { return String(scalar) }
            let digits = String(scalar.value, radix: 16)
            return "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }.joined()
    }
}
