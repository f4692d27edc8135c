// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import Belfry
import HTTPTypes

/// Takes HTTP connections over to WebSocket (RFC 6455, §4.2), for a protocol.
package struct WebSocketUpgrade: HTTPUpgrade {
    package let protocolName = "websocket"
    private let configuration: WebSocketConfiguration
    private let makeDelegate: @Sendable (Request, WebSocketConnection) -> any WebSocketDelegate

    /// Makes an upgrade.
    ///
    /// - Parameters:
    ///   - configuration: The bounds.
    ///   - makeDelegate: Makes the protocol's side of a connection; on the connection's loop.
    package init(
        _ configuration: WebSocketConfiguration = .init(),
        makeDelegate: @escaping @Sendable (Request, WebSocketConnection) -> any WebSocketDelegate
    ) {
        self.configuration = configuration
        self.makeDelegate = makeDelegate
    }

    package func upgrade(_ request: Request, on connection: Connection) -> HTTPUpgradeDecision {
        guard FieldList.contains(request[.upgrade], protocolName) else {
            return refuse(.upgradeRequired, "This is a WebSocket.", [.upgrade: protocolName])
        }
        guard request.values(of: .secWebSocketVersion) == ["13"] else {
            return refuse(
                .upgradeRequired,
                "WebSocket's version is 13.",
                [.secWebSocketVersion: "13", .upgrade: protocolName]
            )
        }
        let keys = request.values(of: .secWebSocketKey)
        guard keys.count == 1, let key = keys.first, WebSocketKey.isSound(key) else {
            return refuse(.badRequest, "Sec-WebSocket-Key is 16 bytes in base64.")
        }
        guard configuration.origins.allows(request[.origin], authority: request.authority) else {
            return refuse(.forbidden, "Pages of this origin may not connect.")
        }
        var fields: HTTPFields = [.secWebSocketAccept: WebSocketKey.accept(key)]
        let offered = FieldList.elements(request[.secWebSocketProtocol] ?? "").map(String.init)
        let subprotocol = offered.first(where: configuration.subprotocols.contains)
        if let subprotocol { fields[.secWebSocketProtocol] = subprotocol }
        let deflate = configuration.deflate.flatMap {
            DeflateParameters.accept(request[.secWebSocketExtensions], $0)
        }
        if let deflate { fields[.secWebSocketExtensions] = deflate.answer }
        let handler = WebSocketConnection(
            connection,
            configuration: configuration,
            subprotocol: subprotocol,
            deflate: deflate?.parameters
        )
        handler.setDelegate(makeDelegate(request, handler))
        return .accept(fields, handler)
    }

    private func refuse(
        _ status: HTTPResponse.Status,
        _ text: String,
        _ fields: HTTPFields = [:]
    ) -> HTTPUpgradeDecision {
        var response = Response.text(text, status: status)
        for field in fields { response.fields.append(field) }
        return .refuse(response)
    }
}
