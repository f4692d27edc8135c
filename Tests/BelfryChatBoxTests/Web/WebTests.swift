// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryTesting
import Foundation
import Logging
import Testing

@testable import BelfryChatBox

@Suite("The web side is the original's", .timeLimit(.minutes(1)))
struct WebTests {
    typealias Box = ChatBox<UUID, Int>

    static let visitor = "33333333-3333-4333-8333-333333333333"

    /// A box with a web server, and its address.
    private func withWeb(
        _ configuration: ChatBoxWebConfiguration = .init(),
        _ body: (Box, SocketAddress) async throws -> Void
    ) async throws {
        var logger = Logger(label: "belfry.test")
        logger.logLevel = .critical
        let broker = try Broker(configuration: .init(io: .epoll, loops: 1), logger: logger)
        let box = try ChatBox(service1: UUID.self, service2: Int.self, debug: true)
        box.worker2.onCreate { _ in 101 }
        do {
            let server = ChatBoxWeb(box, configuration: configuration)
                .server(broker: broker, address: .loopback(port: 0))
            try await body(box, try await server.start())
        } catch {
            await broker.shutDown()
            await box.close()
            throw error
        }
        await broker.shutDown()
        await box.close()
    }

    /// Status, fields and body of the answer to one request.
    private func ask(
        _ address: SocketAddress,
        _ request: String,
        _ fields: [String] = []
    ) async throws -> (head: [String], body: String) {
        let client = try await TestClient(to: address)
        let first = [request + " HTTP/1.1", "Host: \(address)"] + fields + [""]
        // The answer to a second one ends the body's last line.
        let second = ["GET /second HTTP/1.1", "Host: \(address)", "Connection: close", "", ""]
        try await client.send(Array((first + second).joined(separator: "\r\n").utf8))
        let answer = await client.remainingLines().map {
            $0.utf8.last == 13 ? String($0.unicodeScalars.dropLast()) : $0
        }
        let end = try #require(answer.firstIndex(of: ""))
        let rest = answer[(end + 1)...].joined(separator: "\n")
        let body = rest.firstRange(of: "HTTP/1.1 404 Not Found").map { rest[..<$0.lowerBound] } ?? rest[...]
        return (Array(answer[..<end]), String(body))
    }

    private func field(_ name: String, in head: [String]) -> String? {
        head.first { $0.lowercased().hasPrefix(name + ": ") }.map { String($0.dropFirst(name.count + 2)) }
    }

    private func upgrade(_ key: String = "dGhlIHNhbXBsZSBub25jZQ==") -> [String] {
        ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13"]
    }

    @Test("the page comes with a cookie for who has none")
    func page() async throws {
        try await withWeb { _, address in
            let (head, body) = try await ask(address, "GET /")
            #expect(head[0] == "HTTP/1.1 200 OK")
            #expect(field("content-type", in: head) == "text/html; charset=utf-8")
            let cookie = try #require(field("set-cookie", in: head))
            let match = try #require(cookie.wholeMatch(of: #/token=([0-9a-f-]{36}); Path=/; SameSite=lax/#))
            #expect(UUID(serviceText: String(match.output.1)) != nil)
            for id in ["message-list", "message-content", "send-button"] { #expect(body.contains("id=\"\(id)\"")) }
            #expect(body.contains("<title>WebSocket Chat</title>"))
            #expect(body.contains("<h1>Customer service</h1>"))
            // Nothing from other hosts.
            #expect(!body.contains("//cdn") && !body.contains("https:"))
            let other = field("set-cookie", in: try await ask(address, "GET /").head)
            #expect(other != cookie)
        }
    }

    @Test(
        "a token that is there is left alone, valid or not",
        arguments: [("token=x", true), ("a=b; token=", true), ("token", true), ("a=token", false), ("tokens=x", false)]
    )
    func cookie(_ cookie: String, _ hasToken: Bool) async throws {
        try await withWeb { _, address in
            let (head, _) = try await ask(address, "GET /", ["Cookie: \(cookie)"])
            #expect((field("set-cookie", in: head) == nil) == hasToken)
        }
    }

    @Test(
        "script and style are there, and nothing else",
        arguments: [
            ("GET /main.js", 200, "text/javascript; charset=utf-8"), ("GET /style.css", 200, "text/css; charset=utf-8"),
            ("GET /favicon.ico", 404, "application/json"), ("GET /index.html", 404, "application/json"),
            ("POST /", 404, "application/json"), ("GET /ws", 404, "application/json"),
            ("GET /ws/\(visitor)", 404, "application/json"),
        ]
    )
    func resources(_ request: String, _ status: Int, _ type: String) async throws {
        try await withWeb { _, address in
            let (head, body) = try await ask(address, request)
            #expect(head[0].hasPrefix("HTTP/1.1 \(status) "))
            #expect(field("content-type", in: head) == type)
            if status == 404 { #expect(body == #"{"detail":"Not Found"}"#) }
        }
    }

    @Test("a WebSocket of no client is refused without a word", arguments: ["notauuid", "x/y", "3333"])
    func forbidden(_ path: String) async throws {
        try await withWeb { _, address in
            let (head, body) = try await ask(address, "GET /ws/\(path)", upgrade())
            #expect(head[0] == "HTTP/1.1 403 Forbidden")
            // The second request is not answered.
            #expect(body.isEmpty)
            #expect(field("connection", in: head) == "close")
        }
    }

    @Test(
        "pages of other hosts are refused",
        arguments: [("https://example.com", 403), ("http://localhost:8000", 101)]
    )
    func origins(_ origin: String, _ status: Int) async throws {
        try await withWeb { _, address in
            let client = try await TestClient(to: address)
            let lines =
                ["GET /ws/\(Self.visitor) HTTP/1.1", "Host: \(address)", "Origin: \(origin)"] + upgrade() + ["", ""]
            try await client.send(Array(lines.joined(separator: "\r\n").utf8))
            #expect(await client.line()?.hasPrefix("HTTP/1.1 \(status) ") == true)
        }
    }

    @Test(
        "the captured session, byte for byte",
        arguments: [visitor, visitor.uppercased(), visitor.filter { $0 != "-" }]
    )
    func session(_ path: String) async throws {
        try await withWeb { box, address in
            let texts = try await WebSocketClient.withConnection(to: "ws://\(address)/ws/\(path)") { socket in
                var messages = socket.messages.makeAsyncIterator()
                var texts = [try await messages.next()]
                try await socket.send("hello <b>world</b> 世")
                texts.append(try await messages.next())
                try await socket.send("echo x")
                texts.append(try await messages.next())
                try await box.worker2.send("re: x", to: 101)
                texts.append(try await messages.next())
                return texts
            }
            #expect(
                texts == [
                    .text(#"{"auther": "ChatBoxService", "content": "waiting for response"}"#),
                    .text(#"{"auther": "you", "content": "hello <b>world</b> \u4e16"}"#),
                    .text(#"{"auther": "you", "content": "echo x"}"#),
                    .text(#"{"auther": "ChatBoxService", "content": "re: x"}"#),
                ]
            )
            try await eventually("the visitor is away") { await !box.worker2.isActive(101) }
            let stored = try #require(try await box.worker2.storedConnection(for: 101))
            #expect(stored.service1ID.serviceText == Self.visitor)
            #expect(try await stored.history().map(\.line) == ["0 hello <b>world</b> 世", "0 echo x", "1 re: x"])
        }
    }

    @Test("two pages of one visitor both hear, and the visitor is there until both are gone")
    func pages() async throws {
        try await withWeb { box, address in
            let url = "ws://\(address)/ws/\(Self.visitor)"
            try await WebSocketClient.withConnection(to: url) { first in
                var one = first.messages.makeAsyncIterator()
                _ = try await one.next()
                try await WebSocketClient.withConnection(to: url) { second in
                    var two = second.messages.makeAsyncIterator()
                    _ = try await two.next()
                    try await second.send("x")
                    #expect(try await one.next() == .text(#"{"auther": "you", "content": "x"}"#))
                    #expect(try await two.next() == .text(#"{"auther": "you", "content": "x"}"#))
                }
                try await box.worker2.send("still", to: 101)
                #expect(try await one.next() == .text(#"{"auther": "ChatBoxService", "content": "still"}"#))
            }
            try await eventually("the visitor is away") { await !box.worker2.isActive(101) }
        }
    }

    @Test("what is said right before leaving is stored, and a forced end closes the page")
    func ends() async throws {
        try await withWeb { box, address in
            let url = "ws://\(address)/ws/\(Self.visitor)"
            try await WebSocketClient.withConnection(to: url) { socket in
                for number in 1...20 { try await socket.send("\(number)") }
            }
            // The visitor may be gone before the access is through: what it said counts all the same.
            try await eventually("all is stored") {
                try await box.worker2.storedConnection(for: 101)?.savedMessageCount() == 20
            }
            try await eventually("the visitor is away") { await !box.worker2.isActive(101) }
            let stored = try #require(try await box.worker2.storedConnection(for: 101))
            #expect(try await stored.history().map(\.content) == (1...20).map(String.init))
            try await WebSocketClient.withConnection(to: url) { socket in
                var messages = socket.messages.makeAsyncIterator()
                _ = try await messages.next()
                try await box.worker2.deactivate(101)
                #expect(try await messages.next() == nil)
            }
            try await WebSocketClient.withConnection(to: url) { socket in
                try await socket.send([1, 2, 3])
                var messages = socket.messages.makeAsyncIterator()
                _ = try await messages.next()
                await #expect(throws: WebSocketError.self) { _ = try await messages.next() }
                #expect(await socket.end?.code == .unsupportedData)
            }
        }
    }

    @Test("what was said before is sent again if that is wanted")
    func replay() async throws {
        var configuration = ChatBoxWebConfiguration()
        configuration.replayedMessages = 2
        try await withWeb(configuration) { box, address in
            let visitor = try #require(UUID(serviceText: Self.visitor))
            try await box.worker1.withClient(visitor) { client in
                for text in ["one", "two"] { try await client.send(text) }
            }
            try await box.worker2.leave("three", for: 101)
            try await WebSocketClient.withConnection(to: "ws://\(address)/ws/\(Self.visitor)") { socket in
                var messages = socket.messages.makeAsyncIterator()
                _ = try await messages.next()
                try await socket.send("four")
                var texts: [WebSocketMessage?] = []
                for _ in 0..<3 { texts.append(try await messages.next()) }
                #expect(
                    texts == [
                        .text(#"{"auther": "you", "content": "two"}"#),
                        .text(#"{"auther": "ChatBoxService", "content": "three"}"#),
                        .text(#"{"auther": "you", "content": "four"}"#),
                    ]
                )
            }
        }
    }

    /// Python's `json.dumps`.
    @Test(
        "texts are escaped as in Python",
        arguments: [
            ("\"\\/", #"\"\\/"#), ("\u{8}\u{c}\n\r\t\0\u{1f}", #"\b\f\n\r\t\u0000\u001f"#),
            ("\u{7f}é😀", "\u{7f}\\u00e9\\ud83d\\ude00"),
            ("<b>&", "<b>&"), ("", ""),
        ]
    )
    func json(_ text: String, _ escaped: String) {
        #expect(WebText.message(text, by: "you") == "{\"auther\": \"you\", \"content\": \"\(escaped)\"}")
    }
}
