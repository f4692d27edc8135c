// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryTesting
import Logging

/// Runs `body` with a server whose path / is a WebSocket, and its URL.
func withWebSocketServer(
    _ setup: LoopSetup,
    _ configuration: WebSocketConfiguration = .init(),
    limits: WebSocketSessionLimits = .init(),
    broker change: (inout BrokerConfiguration) -> Void = { _ in },
    handler: @escaping @Sendable (WebSocket) async throws -> Void = { socket in
        for try await message in socket.messages { try await socket.send(message) }
    },
    _ body: (Broker, SocketAddress, String) async throws -> Void
) async throws {
    var router = Router()
    router.webSocket("/", configuration: configuration, limits: limits, handler)
    try await withServer(setup, router, broker: change, body)
}

/// The same with a router.
func withServer(
    _ setup: LoopSetup,
    _ router: Router,
    broker change: (inout BrokerConfiguration) -> Void = { _ in },
    _ body: (Broker, SocketAddress, String) async throws -> Void
) async throws {
    var configuration = BrokerConfiguration(io: setup.backend.choice, loops: setup.loops)
    configuration.drainTimeout = .seconds(5)
    configuration.limits.maxPendingBytes = 64 << 20
    change(&configuration)
    var logger = Logger(label: "belfry.test")
    logger.logLevel = .critical
    let broker = try Broker(configuration: configuration, logger: logger)
    do {
        let server = HTTPServer(broker: broker, router: router, configuration: .init(address: .loopback(port: 0)))
        let address = try await server.start()
        try await body(broker, address, "ws://\(address)/")
    } catch {
        await broker.shutDown()
        throw error
    }
    await broker.shutDown()
}
