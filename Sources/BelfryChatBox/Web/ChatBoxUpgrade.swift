// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import Foundation
import HTTPTypes

/// Lets in who names a client: `/ws/<uuid>`.
struct ChatBoxUpgrade: HTTPUpgrade {
    let protocolName = "websocket"
    private let webSocket: WebSocketUpgrade

    init(
        _ configuration: WebSocketConfiguration,
        _ serve: @escaping @Sendable (UUID, WebSocket) async throws -> Void
    ) {
        webSocket = WebSocketUpgrade(configuration) { request, socket in
            guard let id = Self.id(of: request) else { return }
            try await serve(id, socket)
        }
    }

    func upgrade(_ request: Request, on connection: Connection) -> HTTPUpgradeDecision {
        guard Self.id(of: request) != nil else {
            var response = Response(status: .forbidden)
            response.closes = true
            return .refuse(response)
        }
        return webSocket.upgrade(request, on: connection)
    }

    private static func id(of request: Request) -> UUID? {
        request.parameter("id").flatMap(UUID.init(serviceText:))
    }
}
