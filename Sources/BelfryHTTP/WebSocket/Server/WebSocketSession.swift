// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO

/// Runs an application's closure for a server's WebSocket.
///
/// Loop-confined.
final class WebSocketSession: WebSocketDelegate, WebSocketLink {
    private let connection: WebSocketConnection
    private let channel: WebSocketChannel
    private let handler: @Sendable (WebSocket) async throws -> Void
    private var task: Task<Void, Never>?
    private var reason = ""

    init(
        _ connection: WebSocketConnection,
        limits: WebSocketSessionLimits,
        _ handler: @escaping @Sendable (WebSocket) async throws -> Void
    ) {
        self.connection = connection
        self.handler = handler
        channel = WebSocketChannel(
            maxReceivedBytes: limits.maxReceivedBytes,
            maxPendingBytes: limits.maxPendingBytes
        )
    }

    // MARK: From the connection

    func opened() {
        channel.setLink(self)
        let loop = connection.connection.context.loop
        let socket = WebSocket(LoopConfined(onLoop: channel, loop), on: loop, subprotocol: connection.subprotocol)
        let handler = self.handler
        task = Task(executorPreference: loop) {
            do {
                try await handler(socket)
                await socket.close()
            } catch {
                await socket.close(.internalError)
            }
        }
    }

    func received(_ kind: WebSocketMessageKind, _ payload: Span<UInt8>, frame: Span<UInt8>) {
        channel.received(kind, payload)
    }

    func drained() { channel.hasRoom() }

    func send(event: String, _ payload: Payload) -> Bool { false }

    func closed(_ code: WebSocketCloseCode, _ reason: CloseReason) {
        let end = WebSocketEnd(code: code, reason: "")
        let failure: WebSocketError? =
            switch reason {
            case .protocolError(let rule): WebSocketError(.protocolError, rule)
            default: WebSocketError(end)
            }
        channel.ended(end, failure)
        task?.cancel()
        task = nil
    }

    // MARK: From the application

    func announceRoom() { connection.connection.wantsDrained = true }
    var pendingBytes: Int { connection.connection.pendingBytes }
    func send(_ kind: WebSocketMessageKind, _ payload: Span<UInt8>) { connection.send(kind, payload) }
    func setReceiving(_ receiving: Bool) { connection.setReceiving(receiving) }
    func close(_ code: WebSocketCloseCode, reason: String) { connection.close(code, reason: reason) }
    func abort() { connection.connection.fail(.local) }
}

/// How much may wait in a server's WebSocket that a closure serves.
public struct WebSocketSessionLimits: Sendable, Hashable {
    /// Bytes of messages that wait for the reader before the client is not read from.
    public var maxReceivedBytes = 256 * 1024
    /// Bytes that wait to be sent before `send` waits; the broker's own limit ends the connection.
    public var maxPendingBytes = 1024 * 1024

    /// Makes limits with the defaults stated above.
    public init() {}
}
