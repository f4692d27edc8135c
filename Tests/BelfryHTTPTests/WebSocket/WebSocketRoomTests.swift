// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryTesting
import Testing

@Suite("WebSockets in rooms", .timeLimit(.minutes(3)))
struct WebSocketRoomTests {
    @Test("plain and compressed members of a room hear each other and the server, in order", arguments: LoopSetup.all)
    func rooms(_ setup: LoopSetup) async throws {
        var configuration = WebSocketConfiguration()
        configuration.deflate = WebSocketDeflate()
        var router = Router()
        router.upgrade("/", using: WebSocketUpgrade(configuration) { _, socket in PlainRoom(socket) })
        try await withServer(setup, router) { broker, _, url in
            let url = try WebSocketURL(url)
            var compressed = WebSocketClient.Configuration()
            compressed.deflate = WebSocketDeflate()
            let ann = try await WebSocketClient.open(url, on: broker.loop)
            let bob = try await WebSocketClient.open(url, on: broker.loop, configuration: compressed)
            let hall = try await broker.room("hall")
            try await eventually("two members") { await hall.memberCount == 2 }
            let long = String(repeating: "long ", count: 1_000)
            try await hall.publish(event: "first", .text(long))
            var (atAnn, atBob) = (ann.messages.makeAsyncIterator(), bob.messages.makeAsyncIterator())
            #expect(try await atAnn.next() == .text("hall first " + long))
            #expect(try await atBob.next() == .text("hall first " + long))
            try await ann.send("hall said short")
            #expect(try await atBob.next() == .text("hall said short"))
            #expect(try await atAnn.next() == .text("hall said short"))
            try await bob.send("hall said " + long)
            #expect(try await atAnn.next() == .text("hall said " + long))
            #expect(try await atBob.next() == .text("hall said " + long))
            await ann.close()
            await bob.close()
        }
    }
}
