// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryIO
public import Logging

/// Opens WebSockets to servers (RFC 6455).
///
///     try await WebSocketClient.withConnection(to: "ws://127.0.0.1:8001/") { socket in
///         try await socket.send("hello")
///         for try await message in socket.messages { print(message) }
///     }
public enum WebSocketClient {
    /// Connects, runs `body`, and closes.
    ///
    /// When `body` returns, the socket is closed with 1000 behind what is queued; when it throws, at once. The
    /// connection has an event loop of its own, which ends with the scope.
    ///
    /// - Parameters:
    ///   - url: As in `ws://localhost:8001/path`, or `wss://` for TLS.
    ///   - io: Which engine.
    ///   - configuration: The bounds.
    ///   - logger: Hears of a fallback to another engine.
    ///   - body: Uses the WebSocket, which must not leave it.
    /// - Returns: What `body` returns.
    /// - Throws: ``WebSocketError`` `.invalidURL`, `.connectFailed`, `.untrusted`, `.refused` or `.badHandshake`; what `body` throws.
    public static func withConnection<Result>(
        to url: String,
        io: IOChoice = .automatic,
        configuration: Configuration = .init(),
        logger: Logger = Logger(label: "belfry.websocket"),
        _ body: (WebSocket) async throws -> Result
    ) async throws -> Result {
        let url = try WebSocketURL(url)
        return try await EventLoopGroup.withOwnLoop(io, logger: logger) { loop in
            try await withConnection(to: url, on: loop, configuration: configuration, body)
        }
    }

    /// The same on a loop that serves others as well.
    package static func withConnection<Result>(
        to url: WebSocketURL,
        on loop: EventLoop,
        configuration: Configuration = .init(),
        _ body: (WebSocket) async throws -> Result
    ) async throws -> Result {
        let socket = try await open(url, on: loop, configuration: configuration)
        do {
            let result = try await body(socket)
            await socket.close()
            return result
        } catch {
            await socket.abort()
            throw error
        }
    }

    /// Opens a WebSocket that its owner closes.
    ///
    /// - Throws: ``WebSocketError`` `.connectFailed`, `.untrusted`, `.refused` or `.badHandshake`.
    package static func open(
        _ url: WebSocketURL,
        on loop: EventLoop,
        configuration: Configuration = .init()
    ) async throws(WebSocketError) -> WebSocket {
        try await WebSocketOpening(loop).open(url, configuration)
    }
}

/// One attempt to open a WebSocket.
private actor WebSocketOpening: LoopBound {
    nonisolated let loop: EventLoop

    init(_ loop: EventLoop) { self.loop = loop }

    func open(
        _ url: WebSocketURL,
        _ configuration: WebSocketClient.Configuration
    ) async throws(WebSocketError) -> WebSocket {
        let handle: IOHandle
        do throws(IOError) {
            handle = try await Connector(on: loop).connect(to: url.endpoint, timeout: configuration.connectTimeout)
        } catch {
            throw WebSocketError(.connectFailed, error.message)
        }
        let channel = WebSocketChannel(
            maxReceivedBytes: configuration.maxReceivedBytes,
            maxPendingBytes: configuration.maxPendingBytes
        )
        let link = WebSocketClientLink(channel, loop: loop, configuration: configuration)
        channel.setLink(link)
        link.start(on: handle, url)
        switch await link.outcome.park() {
        case .value(.success(let subprotocol)):
            return WebSocket(LoopConfined(onLoop: channel, loop), on: loop, subprotocol: subprotocol)
        case .value(.failure(let error)): throw error
        case .cancelled:
            link.abort()
            throw WebSocketError(.cancelled, "cancelled while connecting")
        }
    }
}
