// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension WebSocketUpgrade {
    /// Takes connections over to WebSocket, and runs a closure for each.
    ///
    /// - Parameters:
    ///   - configuration: The bounds.
    ///   - limits: How much may wait.
    ///   - handler: Uses a WebSocket; when it returns, the socket is closed with 1000, when it throws, with 1011.
    package init(
        _ configuration: WebSocketConfiguration,
        limits: WebSocketSessionLimits,
        _ handler: @escaping @Sendable (WebSocket) async throws -> Void
    ) {
        self.init(configuration) { _, connection in WebSocketSession(connection, limits: limits, handler) }
    }
}
