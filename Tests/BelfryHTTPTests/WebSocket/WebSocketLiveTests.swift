// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryTesting
import Logging
import Testing

@Suite("WebSocket, client and server", .serialized, .timeLimit(.minutes(3)))
struct WebSocketLiveTests {
    @Test("messages of every kind and size come back, plain and compressed", arguments: LoopSetup.all, [false, true])
    func echo(_ setup: LoopSetup, _ compressed: Bool) async throws {
        var server = WebSocketConfiguration()
        var client = WebSocketClient.Configuration()
        client.maxReceivedBytes = 32 << 20
        if compressed {
            server.deflate = WebSocketDeflate()
            client.deflate = WebSocketDeflate()
            client.deflate?.clientContextTakeover = true
        }
        try await withWebSocketServer(setup, server) { _, _, url in
            try await WebSocketClient.withConnection(to: url, io: setup.backend.choice, configuration: client) {
                socket in
                let messages: [WebSocketMessage] = [
                    .text(""), .text("hello ☃"), .binary([]), .binary([1, 2, 3]),
                    .text(String(repeating: "0123456789", count: 20_000)),
                    .binary((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }),
                ]
                for message in messages { try await socket.send(message) }
                var echoed = socket.messages.makeAsyncIterator()
                for (index, message) in messages.enumerated() {
                    let isSame = try await echoed.next() == message
                    #expect(isSame, "message \(index)")
                }
            }
        }
    }

    @Test("close codes and reasons go both ways", arguments: BackendKind.testable)
    func closing(_ backend: BackendKind) async throws {
        let seen = Queue<WebSocketEnd?>(.init(limit: 8))
        try await withWebSocketServer(
            LoopSetup(backend, loops: 1),
            handler: { socket in
                for try await case .text(let text) in socket.messages {
                    if text == "close" { return await socket.close(.init(rawValue: 3_333), reason: "as asked") }
                    if text == "throw" { throw ConditionNotMet("on purpose") }
                }
                _ = seen.send(await socket.end)
            }
        ) { broker, _, url in
            let loop = broker.loop
            let first = try await WebSocketClient.open(try WebSocketURL(url), on: loop)
            try await first.send("close")
            await #expect { try await first.messages.first { _ in true } } throws: {
                ($0 as? WebSocketError)?.closeCode?.rawValue == 3_333
            }
            #expect(await first.end?.code.rawValue == 3_333)
            #expect(await first.end?.reason == "as asked")
            await #expect { try await first.send("late") } throws: { ($0 as? WebSocketError)?.code == .closed }
            let second = try await WebSocketClient.open(try WebSocketURL(url), on: loop)
            try await second.send("throw")
            await #expect { try await second.messages.first { _ in true } } throws: {
                ($0 as? WebSocketError)?.closeCode == .internalError
            }
            let third = try await WebSocketClient.open(try WebSocketURL(url), on: loop)
            await third.close(.init(rawValue: 4_001), reason: "mine")
            #expect(await third.end?.code.rawValue == 4_001)
            try await eventually("the server saw the end") { broker.statistics.connections == 0 }
        }
    }

    @Test("a drain closes with 1001, and readers end as after any good end", arguments: BackendKind.testable)
    func drain(_ backend: BackendKind) async throws {
        try await withWebSocketServer(LoopSetup(backend, loops: 2)) { broker, _, url in
            let group = try EventLoopGroup(backend.choice, count: 1, logger: .init(label: "test"))
            let socket = try await WebSocketClient.open(try WebSocketURL(url), on: group.loops[0])
            await broker.shutDown()
            #expect(try await socket.messages.first { _ in true } == nil)
            #expect(await socket.end?.code == .goingAway)
            await group.shutDown()
        }
    }

    @Test("a subprotocol is agreed on")
    func subprotocol() async throws {
        var server = WebSocketConfiguration()
        server.subprotocols = ["one", "two"]
        var client = WebSocketClient.Configuration()
        client.subprotocols = ["three", "two", "one"]
        try await withWebSocketServer(LoopSetup(.epoll, loops: 1), server) { broker, _, url in
            let socket = try await WebSocketClient.open(try WebSocketURL(url), on: broker.loop, configuration: client)
            #expect(socket.subprotocol == "two")
            await socket.close()
        }
    }

    @Test("a reader that stops holds the server's sender, not its memory", arguments: BackendKind.testable)
    func slowReader(_ backend: BackendKind) async throws {
        let sent = Queue<Int>(.init(limit: 100_000))
        try await withWebSocketServer(
            LoopSetup(backend, loops: 1),
            handler: { socket in
                let message = [UInt8](repeating: 1, count: 64 * 1024)
                for number in 1...400 {
                    try await socket.send(message)
                    _ = sent.send(number)
                }
            }
        ) { broker, _, url in
            var client = WebSocketClient.Configuration()
            client.maxReceivedBytes = 128 * 1024
            let group = try EventLoopGroup(backend.choice, count: 1, logger: .init(label: "test"))
            let socket = try await WebSocketClient.open(
                try WebSocketURL(url),
                on: group.loops[0],
                configuration: client
            )
            var count = 0
            for try await _ in socket.messages {
                count += 1
                if count == 1 {
                    try await eventually("memory is bounded") { broker.statistics.frameLogBytes < 8 << 20 }
                }
            }
            #expect(count == 400)
            await group.shutDown()
        }
    }

    @Test("a message that is too long is answered by 1009", arguments: BackendKind.testable)
    func tooLong(_ backend: BackendKind) async throws {
        var server = WebSocketConfiguration()
        server.maxMessageBytes = 1_000
        try await withWebSocketServer(LoopSetup(backend, loops: 1), server) { broker, _, url in
            let socket = try await WebSocketClient.open(try WebSocketURL(url), on: broker.loop)
            try await socket.send([UInt8](repeating: 1, count: 1_001))
            await #expect { try await socket.messages.first { _ in true } } throws: {
                ($0 as? WebSocketError)?.closeCode == .messageTooBig
            }
        }
    }
}
