// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import Foundation
import Logging
import Testing

/// Our WebSockets and those of the Python package websockets.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct WebSocketTests {
    private static let large = 16 << 20

    private func engine(_ setup: Setup) -> IOChoice { setup.backend == .uring ? .uring : .epoll }

    @Test(
        "Python's client talks to our server: all kinds of messages, plain and compressed",
        arguments: Setup.all(loops: [2])
    )
    func server(_ setup: Setup) async throws {
        var logger = Logger(label: "belfry.test")
        logger.logLevel = .critical
        var configuration = BrokerConfiguration(io: engine(setup), loops: setup.loops)
        configuration.limits.maxPendingBytes = 4 * Self.large
        let broker = try Broker(configuration: configuration, logger: logger)
        var router = Router()
        var sockets = WebSocketConfiguration()
        sockets.deflate = WebSocketDeflate()
        router.webSocket("/", configuration: sockets) { socket in
            for try await message in socket.messages { try await socket.send(message) }
        }
        let server = HTTPServer(broker: broker, router: router, configuration: .init(address: .loopback(port: 0)))
        do {
            let address = try await server.start()
            let arguments = [Programs.script("websocket_peer"), "client", "ws://\(address)/"]
            let result = try await ChildProcess(Programs.python(), arguments).result(within: .seconds(50))
            #expect(result.status == 0, "\(result.errors.suffix(2_000))")
        } catch {
            await broker.shutDown()
            throw error
        }
        await broker.shutDown()
    }

    @Test("our client talks to Python's server, plain and compressed", arguments: Setup.all(loops: [1]))
    func client(_ setup: Setup) async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("belfry-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let arguments = [Programs.script("websocket_peer"), "server", file.path]
        let child = try ChildProcess(Programs.python(), arguments)
        async let result = child.result(within: .seconds(50))
        let deadline = ContinuousClock.now + .seconds(20)
        while !FileManager.default.fileExists(atPath: file.path), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(10))
        }
        let url = "ws://127.0.0.1:\(try String(contentsOf: file, encoding: .utf8))/"
        try await exchange(url, nil, setup)
        try await exchange(url, WebSocketDeflate(), setup)
        var takeover = WebSocketDeflate()
        takeover.clientContextTakeover = true
        takeover.serverContextTakeover = true
        takeover.clientMaxWindowBits = 10
        try await exchange(url, takeover, setup)
        try await WebSocketClient.withConnection(to: url, io: engine(setup)) { socket in
            try await socket.send("quit")
            await #expect { try await socket.messages.first { _ in true } } throws: { error in
                (error as? WebSocketError)?.closeCode?.rawValue == 4_000
            }
            #expect(await socket.end?.reason == "over")
        }
        let end = try await result
        #expect(end.status == 0, "\(end.errors.suffix(2_000))")
    }

    private func exchange(_ url: String, _ deflate: WebSocketDeflate?, _ setup: Setup) async throws {
        var configuration = WebSocketClient.Configuration()
        configuration.deflate = deflate
        configuration.maxMessageBytes = 2 * Self.large
        try await WebSocketClient.withConnection(to: url, io: engine(setup), configuration: configuration) { socket in
            var arrived = socket.messages.makeAsyncIterator()
            let messages: [WebSocketMessage] = [
                .text(""), .text("héllo ☃ 𝄞"), .text(String(repeating: "x", count: 70_000)), .binary([]),
                .binary([0, 255, 1]), .binary([UInt8](repeating: 7, count: 65_536)),
                .binary([UInt8](repeating: 9, count: Self.large)),
                .text(String(repeating: "belfry ", count: 2_000_000)),
            ]
            for (index, message) in messages.enumerated() {
                try await socket.send(message)
                let isSame = try await arrived.next() == message
                #expect(isSame, "message \(index)")
            }
            try await socket.send("fragments")
            #expect(try await arrived.next() == .text("in three pieces ☃"))
        }
    }
}
