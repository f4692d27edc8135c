// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension Router {
    /// Serves WebSockets on a path, each by a closure.
    ///
    ///     router.webSocket("/echo") { socket in
    ///         for try await message in socket.messages { try await socket.send(message) }
    ///     }
    ///
    /// - Parameters:
    ///   - pattern: The path, as in ``on(_:_:_:)``.
    ///   - configuration: The bounds.
    ///   - limits: How much may wait.
    ///   - handler: Uses a WebSocket, in a task on the connection's event loop; it must not block. When it returns, the
    ///     socket is closed with 1000, when it throws, with 1011. Cancelled when the connection ends.
    public mutating func webSocket(
        _ pattern: String,
        configuration: WebSocketConfiguration = .init(),
        limits: WebSocketSessionLimits = .init(),
        _ handler: @escaping @Sendable (WebSocket) async throws -> Void
    ) {
        let upgrade = WebSocketUpgrade(configuration) { _, connection in
            WebSocketSession(connection, limits: limits, handler)
        }
        self.upgrade(pattern, using: upgrade)
    }
}
