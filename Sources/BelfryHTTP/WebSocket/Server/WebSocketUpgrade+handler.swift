// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension WebSocketUpgrade {
    /// Makes an upgrade whose WebSockets a closure serves, as `Router.webSocket` does, with the request at hand.
    package init(
        _ configuration: WebSocketConfiguration = .init(),
        limits: WebSocketSessionLimits = .init(),
        _ handler: @escaping @Sendable (Request, WebSocket) async throws -> Void
    ) {
        self.init(configuration) { request, connection in
            WebSocketSession(connection, limits: limits) { try await handler(request, $0) }
        }
    }
}
