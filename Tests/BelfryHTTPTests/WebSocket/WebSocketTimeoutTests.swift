// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryTesting
import Testing

/// The broker looks after time-outs about once a second, so each of these takes two or three.
@Suite("WebSocket time-outs", .timeLimit(.minutes(3)))
struct WebSocketTimeoutTests {
    private static let request =
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

    /// Bytes behind the head, until the server ends the connection.
    private func silence(
        _ configuration: WebSocketConfiguration,
        _ backend: BackendKind,
        readsToEnd: Bool = true,
        handler: @escaping @Sendable (WebSocket) async throws -> Void = { socket in
            for try await _ in socket.messages {}
        },
        _ speak: (TestClient) async throws -> Void = { _ in }
    ) async throws -> [UInt8] {
        var found: [UInt8] = []
        try await withWebSocketServer(LoopSetup(backend, loops: 1), configuration, handler: handler) {
            broker,
            address,
            _ in
            let client = try await TestClient(to: address)
            try await client.send(Array(Self.request.utf8))
            // Counted line by line: more may have come in one piece with the head.
            var head = 0
            while let line = await client.line() {
                head += line.utf8.count + 1
                if line == "\r" { break }
            }
            try await speak(client)
            try await eventually("the server gives the client up") { broker.statistics.connections == 0 }
            // What the server sent last may still be on its way to here.
            if readsToEnd { _ = await client.remainingLines() }
            found = [UInt8](repeating: 0, count: await client.receivedBytes - head)
        }
        return found
    }

    @Test("a client that answers no ping is closed", arguments: BackendKind.testable)
    func noPong(_ backend: BackendKind) async throws {
        var configuration = WebSocketConfiguration()
        configuration.pingInterval = .zero
        configuration.pongTimeout = .zero
        // The ping, and nothing else.
        #expect(try await silence(configuration, backend).count == 2)
    }

    @Test("a client that takes nothing is closed: its ping never left", arguments: BackendKind.testable)
    func stalled(_ backend: BackendKind) async throws {
        var configuration = WebSocketConfiguration()
        configuration.pingInterval = .zero
        // Not this one: the ping is never on the wire.
        configuration.pongTimeout = .seconds(3_600)
        configuration.stallTimeout = .seconds(1)
        let found = try await silence(
            configuration,
            backend,
            readsToEnd: false,
            handler: { socket in
                while true { try await socket.send([UInt8](repeating: 1, count: 1 << 20)) }
            }
        ) { client in
            await client.setReading(false)
        }
        #expect(found.count < 64 << 20)
    }

    @Test("a client that does not confirm a close is not waited for", arguments: BackendKind.testable)
    func noClose(_ backend: BackendKind) async throws {
        var configuration = WebSocketConfiguration()
        configuration.closeTimeout = .zero
        #expect(try await silence(configuration, backend, handler: { _ in }).count <= 4)
    }
}
