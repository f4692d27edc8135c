// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Logging

/// A stream connection to a server, for clients: one scope, a sequence of what arrives, one way to send.
///
///     try await TCPConnection.withConnection(to: "127.0.0.1", port: 4000) { connection in
///         try await connection.send(Array("hello\n".utf8))
///         for try await chunk in connection.inbound { print(chunk.count) }
///     }
///
/// Both directions are bounded: a slow reader stops the socket, a slow peer makes `send` wait.
public actor TCPConnection: LoopBound {
    /// The loop that serves the socket; the actor lives on it.
    public nonisolated let loop: EventLoop
    private let configuration: Configuration
    private var stream: LoopConfined<TCPStream>

    /// The bounds of a connection, with every default.
    public struct Configuration: Sendable, Hashable {
        /// How long connecting may take, with looking the name up and trying each of its addresses.
        public var connectTimeout = Duration.seconds(10)
        /// Received bytes that wait for the reader before the socket is paused; one loop turn may add its receive
        /// budget (256 KiB) to it.
        public var maxReceivedBytes = 256 * 1024
        /// Bytes that wait to be sent before `send` waits; one array of any size is taken whole.
        public var maxPendingBytes = 256 * 1024
        /// How long, at the end of the scope, sending what was queued may take.
        public var flushTimeout = Duration.seconds(10)
        /// How long the peer may then take to end its side.
        public var closeGrace = Duration.seconds(1)

        /// Makes a configuration with the defaults stated above.
        public init() {}
    }

    /// Takes over a connection that a listener accepted; on the loop only.
    package init(adopting handle: IOHandle, on loop: EventLoop, configuration: Configuration = .init()) {
        self.loop = loop
        self.configuration = configuration
        let stream = TCPStream(loop: loop, configuration: configuration)
        stream.adopt(handle)
        self.stream = LoopConfined(onLoop: stream, loop)
    }

    private init(on loop: EventLoop, configuration: Configuration) {
        self.loop = loop
        self.configuration = configuration
        stream = LoopConfined(TCPStream(loop: loop, configuration: configuration), to: loop)
    }

    // MARK: Scope

    /// Connects, runs `body`, and closes.
    ///
    /// When `body` returns, what was queued is sent, then this side of the stream is ended and the peer has
    /// `closeGrace` to end its own. When `body` throws, the connection is closed at once. The connection has an event
    /// loop of its own, which ends with the scope.
    ///
    /// - Parameters:
    ///   - host: A name, or an IPv4 or IPv6 address.
    ///   - port: The server's port.
    ///   - io: Which engine.
    ///   - configuration: The bounds.
    ///   - logger: Hears of a fallback to another engine.
    ///   - body: Uses the connection, which must not leave it.
    /// - Returns: What `body` returns.
    /// - Throws: ``IOError`` as `.refused`, `.timedOut` or `.nameNotResolved`; what `body` throws.
    public static func withConnection<Result>(
        to host: String,
        port: UInt16,
        io: IOChoice = .automatic,
        configuration: Configuration = .init(),
        logger: Logger = Logger(label: "belfry.io"),
        _ body: (TCPConnection) async throws -> Result
    ) async throws -> Result {
        let endpoint = try Self.endpoint(host, port)
        return try await EventLoopGroup.withOwnLoop(io, logger: logger) { loop in
            try await withConnection(to: endpoint, on: loop, configuration: configuration, body)
        }
    }

    /// The same on a loop that serves others as well.
    package static func withConnection<Result>(
        to endpoint: Endpoint,
        on loop: EventLoop,
        configuration: Configuration = .init(),
        _ body: (TCPConnection) async throws -> Result
    ) async throws -> Result {
        let connection = TCPConnection(on: loop, configuration: configuration)
        try await connection.connect(to: endpoint)
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.abort()
            throw error
        }
    }

    private static func endpoint(_ host: String, _ port: UInt16) throws(IOError) -> Endpoint {
        if let address = SocketAddress(numericHost: host, port: port) { return .address(address) }
        return try Endpoint(parsing: "\(host):\(port)")
    }

    private func connect(to endpoint: Endpoint) async throws(IOError) {
        try await Connector(on: loop).connect(to: endpoint, timeout: configuration.connectTimeout) {
            address,
            timeout throws(IOError) in
            try await attempt(address, timeout)
        }
    }

    /// Tries one address, with a fresh stream.
    private func attempt(_ address: SocketAddress, _ timeout: Duration) async throws(IOError) {
        stream = LoopConfined(TCPStream(loop: loop, configuration: configuration), to: loop)
        do throws(IOError) {
            try await stream.value.connect(to: address, timeout: timeout)
        } catch {
            await abort()
            throw error
        }
    }

    // MARK: Bytes

    /// What arrives, in chunks as the kernel hands it over, for one reader at a time.
    public nonisolated var inbound: TCPInbound { TCPInbound(connection: self) }

    /// Queues bytes to be sent.
    ///
    /// Suspends while more than `maxPendingBytes` are queued; returns once the bytes are queued, not once they are
    /// sent. One call's bytes stay together, whoever else sends.
    ///
    /// - Throws: ``IOError`` `.closed` after the end or when the wait is cancelled, `.reset` when the peer broke off.
    public func send(_ bytes: [UInt8]) async throws(IOError) { try await stream.value.send(bytes) }

    func next() async throws(IOError) -> [UInt8]? { try await stream.value.next() }

    // MARK: End

    /// Closes in order and returns when the socket is gone, also in a cancelled task.
    package func close() async {
        stream.value.close()
        await waitUntilClosed()
    }

    /// Closes at once and returns when the socket is gone, also in a cancelled task.
    package func abort() async {
        stream.value.abort()
        await waitUntilClosed()
    }

    private func waitUntilClosed() async {
        // In a task of its own, since the caller's may be cancelled and the socket takes its time all the same.
        await Task(executorPreference: loop) { await self.stream.value.waitUntilClosed() }.value
    }

    // MARK: For tests

    /// Received bytes that wait for the reader.
    var receivedBytes: Int { stream.value.receivedBytes }

    /// Returns when the socket is paused because nobody reads.
    func waitUntilPaused() async { await stream.value.waitUntil(\.isPaused) }

    /// Returns when a `send` waits for the peer.
    func waitUntilHoldingSenders() async { await stream.value.waitUntil(\.isHoldingSenders) }
}
