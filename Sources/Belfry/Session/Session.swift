// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryIO

/// A connected client, on whatever protocol: who it is, where it is, what it says to the server.
///
/// The actor lives on the loop that serves the connection. It stays usable after the connection has ended: then
/// ``state`` says so, nothing is sent, and sequences are over.
public actor Session: LoopBound {
    /// Where a session is in its life.
    public enum State: Sendable, Hashable {
        /// Connected.
        case open
        /// Closing: what is queued is still being sent.
        case closing
        /// Gone.
        case closed
    }

    /// The loop that serves the connection.
    public nonisolated let loop: EventLoop
    /// The session's name, unique within the broker's life.
    public nonisolated let id: SessionID
    /// The front-end that it came through, as in `nucosmq-1`.
    public nonisolated let frontEnd: String
    /// The client's address; nil for one on a Unix socket.
    public nonisolated let peer: SocketAddress?
    private let context: LoopConfined<LoopContext>

    init(id: SessionID, frontEnd: String, peer: SocketAddress?, context: LoopConfined<LoopContext>, loop: EventLoop) {
        self.loop = loop
        self.id = id
        self.frontEnd = frontEnd
        self.peer = peer
        self.context = context
    }

    private var connection: Connection? { context.value.connections[id] }

    /// Where it is in its life.
    public var state: State {
        guard let connection else { return .closed }
        return connection.isClosing ? .closing : .open
    }

    /// Who the client proved to be; nil while it is anonymous, and once it has gone.
    public var identity: String? { connection?.identity }

    /// The rooms that it is in, or on its way into, by name; none once it has gone.
    public var rooms: [String] { connection.map { Array($0.memberships.keys) } ?? [] }

    /// Sends a message to this client alone, behind all that its rooms were told before.
    ///
    /// Returns once it is queued, not once it is sent.
    ///
    /// - Returns: false when the client has gone, or its protocol can't say it.
    @discardableResult
    public func send(event: String, _ payload: Payload) -> Bool {
        guard let connection, !connection.isClosing, let handler = connection.handler else { return false }
        return handler.send(event: event, payload)
    }

    /// What the client says to the server itself, rather than to a room; from now on.
    ///
    /// Lossless: while `limit` messages or `maxBytes` bytes wait, the client is not read from. Of several sequences
    /// each gets every message, and the fullest one holds the client back. Ends with the connection, behind what was
    /// sent, and then throws nothing.
    public func messages(limit: Int = 256, maxBytes: Int = 8 * 1024 * 1024) -> Queue<SessionMessage> {
        let configuration = Queue<SessionMessage>.Configuration(
            limit: limit,
            maxBytes: maxBytes,
            size: { $0.payload.bytes.count + $0.event.utf8.count },
            policy: .suspend
        )
        guard let connection else {
            let over = Queue<SessionMessage>(configuration)
            over.close()
            return over
        }
        return connection.addListener(configuration)
    }

    /// Closes the connection in order: what is queued is sent first.
    ///
    /// Closing twice is the same as once.
    public func close() { connection?.close(.local) }
}

/// What a client said to the server itself.
public struct SessionMessage: Sendable, Hashable {
    /// The event; may be empty.
    public let event: String
    /// What it carries.
    public let payload: Payload

    /// Makes a message.
    public init(event: String, payload: Payload) {
        self.event = event
        self.payload = payload
    }
}
