// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryPocketsocket
import BelfryTesting
import Logging

/// A running Pocketsocket server and how its clients reach it.
struct RunningPocketsocket {
    let broker: Broker
    let server: PocketsocketServer
    let address: SocketAddress
    let url: WebSocketURL

    /// A client's socket that is open, and whose presence nobody has to wait for.
    func connect() async throws -> SocketReader { SocketReader(try await WebSocketClient.open(url, on: broker.loop)) }

    /// Clients of which each has been told of those after it, and nothing is on its way.
    func connect(_ count: Int) async throws -> [SocketReader] {
        var clients: [SocketReader] = []
        for _ in 0..<count {
            let client = try await connect()
            for other in clients { try await other.skip("connected") }
            clients.append(client)
        }
        return clients
    }
}

/// A client's socket, read text by text.
actor SocketReader {
    nonisolated let socket: WebSocket
    private var arrived: WebSocketMessages.AsyncIterator

    init(_ socket: WebSocket) {
        self.socket = socket
        arrived = socket.messages.makeAsyncIterator()
    }

    nonisolated func send(_ text: String) async throws { try await socket.send(text) }

    /// The next message; nil at the end.
    func next() async throws -> WebSocketMessage? {
        var iterator = arrived
        let message = try await iterator.next()
        arrived = iterator
        return message
    }

    /// The next message as text.
    func text() async throws -> String? {
        if case .text(let text)? = try await next() { text } else { nil }
    }

    /// The next text, which has to be a presence of this kind.
    func skip(_ what: String) async throws {
        let found = try await text()
        guard found?.hasPrefix(#"{"socket": "\#(what)", "port": "#) == true else { throw Unexpected(text: found) }
    }

    /// The `messageId` and `attr` of the next text, which has to be a receipt.
    func receipt() async throws -> String {
        let found = try await text()
        guard let found, let match = found.wholeMatch(of: Self.pattern) else { throw Unexpected(text: found) }
        return "\(match.1) \(match.2)"
    }

    private static var pattern: Regex<(Substring, Substring, Substring)> {
        // swift-format-ignore
        /\{"time": "\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{6})?", "messageId": (.*), "socket": "sent", "attr": "(json|string)"\}/
            .dotMatchesNewlines()
    }

    struct Unexpected: Error { let text: String? }
}

/// Runs `body` with a Pocketsocket server.
func withPocketsocket(
    _ setup: LoopSetup = LoopSetup(.epoll, loops: 1),
    configure: (inout PocketsocketConfiguration) -> Void = { _ in },
    broker change: (inout BrokerConfiguration) -> Void = { _ in },
    _ body: (RunningPocketsocket) async throws -> Void
) async throws {
    var configuration = BrokerConfiguration(io: setup.backend.choice, loops: setup.loops)
    configuration.drainTimeout = .seconds(5)
    configuration.limits.maxPendingBytes = 64 << 20
    change(&configuration)
    var logger = Logger(label: "belfry.test")
    logger.logLevel = .critical
    let broker = try Broker(configuration: configuration, logger: logger)
    var pocketsocket = PocketsocketConfiguration()
    configure(&pocketsocket)
    let server = PocketsocketServer(broker: broker, configuration: pocketsocket)
    let web = HTTPServer.web(broker: broker, address: .loopback(port: 0)) { server.addRoutes(to: &$0) }
    do {
        let address = try await web.start()
        let url = try WebSocketURL("ws://\(address)/")
        try await body(RunningPocketsocket(broker: broker, server: server, address: address, url: url))
    } catch {
        await broker.shutDown()
        throw error
    }
    await broker.shutDown()
}
