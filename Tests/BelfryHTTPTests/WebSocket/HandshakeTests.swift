// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BelfryHTTP

@Suite("WebSocket handshake", .timeLimit(.minutes(3)))
struct HandshakeTests {
    @Test("the key of RFC 6455, 1.3, is answered as there")
    func accept() {
        #expect(WebSocketKey.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test("a key is 16 bytes in base64")
    func keys() {
        var random = SystemRandomNumberGenerator()
        #expect(WebSocketKey.isSound(WebSocketKey.make(using: &random)))
        for bad in [
            "", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ=== ", "dGhlIHNhbXBsZSBub25jZ!==",
            "dGhlIHNhbXBsZSBub25jZQa=",
        ] {
            #expect(!WebSocketKey.isSound(bad), "\(bad)")
        }
    }

    @Test("pages of the same host and port may connect, others where they are listed")
    func origins() {
        let same = WebSocketOrigins.sameOrigin
        #expect(same.allows(nil, authority: "a.example"))
        #expect(same.allows("http://a.example", authority: "a.example"))
        #expect(same.allows("http://a.example:80", authority: "A.example"))
        #expect(same.allows("https://a.example", authority: "a.example:443"))
        #expect(same.allows("http://127.0.0.1:8001", authority: "127.0.0.1:8001"))
        for bad in [
            "http://b.example", "http://a.example.b.example", "http://a.example:81", "null", "", "file://", "http://",
            "http://a.example@b.example", "a.example", "http://b.example/a.example", "ftp://a.example",
        ] {
            #expect(!same.allows(bad, authority: "a.example"), "\(bad)")
        }
        #expect(!same.allows("http://a.example", authority: nil))
        let listed = WebSocketOrigins.listed(["https://B.example", "null"])
        #expect(listed.allows("https://b.example", authority: "a.example"))
        #expect(listed.allows("null", authority: "a.example"))
        #expect(listed.allows("http://a.example", authority: "a.example"))
        #expect(!listed.allows("http://b.example", authority: "a.example"))
        #expect(WebSocketOrigins.any.allows("null", authority: nil))
    }

    @Test(
        "URLs are read as RFC 6455, 3, has them",
        arguments: [
            ("ws://localhost", "localhost:80", "localhost", "/"),
            ("WS://localhost:8001", "localhost:8001", "localhost:8001", "/"),
            ("ws://127.0.0.1:8001/a/b?c=d", "127.0.0.1:8001", "127.0.0.1:8001", "/a/b?c=d"),
            ("ws://[::1]:9?x", "[::1]:9", "[::1]:9", "/?x"),
            ("ws://[::1]/", "[::1]:80", "[::1]", "/"),
            ("WSS://localhost/a", "localhost:443", "localhost", "/a"),
            ("wss://[::1]:9/", "[::1]:9", "[::1]:9", "/"),
        ]
    )
    func urls(_ text: String, _ endpoint: String, _ authority: String, _ target: String) throws {
        let url = try WebSocketURL(text)
        #expect("\(url.endpoint)" == endpoint)
        #expect(url.authority == authority)
        #expect(url.target == target)
    }

    @Test(
        "what is no URL of a WebSocket says so",
        arguments: [
            "", "localhost:80", "http://localhost", "wss://", "ws://", "ws://user@localhost",
            "ws://localhost:x",
            "ws://localhost/#a", "ws://localhost/a b", "ws://localhost/\r\nX: y", "ws://::1/",
        ]
    )
    func badURLs(_ text: String) {
        #expect { try WebSocketURL(text) } throws: { ($0 as? WebSocketError)?.code == .invalidURL }
    }

    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    private static let head =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n"
        + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

    private func answer(_ text: String, step: Int = .max) throws -> (WebSocketClientHandshake.Agreement, Int)? {
        var configuration = WebSocketClient.Configuration()
        configuration.subprotocols = ["chat", "quiet"]
        configuration.deflate = WebSocketDeflate()
        var handshake = WebSocketClientHandshake(configuration, key: Self.key)
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, step == .max ? bytes.count : start + step)
            if let (agreement, next) = try handshake.receive(bytes.span.extracting(start..<end)) {
                return (agreement, start + next)
            }
            start = end
        }
        return nil
    }

    @Test("a client takes a good answer, wherever it is cut, and finds the frames behind it")
    func goodAnswer() throws {
        let text = Self.head + "Sec-WebSocket-Protocol: quiet\r\nX: y\r\n\r\n"
        for step in [1, 2, 7, .max] {
            let found = try #require(try answer(text + "frames", step: step))
            #expect(found.0.subprotocol == "quiet" && found.0.deflate == nil)
            #expect(found.1 == text.utf8.count)
        }
        let deflate = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n"
        #expect(try answer(Self.head + deflate)?.0.deflate?.serverNoContextTakeover == true)
        #expect(try answer(Self.head) == nil)
    }

    @Test(
        "a client refuses what is no handshake",
        arguments: [
            "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 403 Forbidden\r\n\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.1\r\n\r\n",
            "HTTP/1.1 101 X\r\n\r\n",
            "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
            head + "Sec-WebSocket-Protocol: loud\r\n\r\n", head + "Sec-WebSocket-Extensions: x\r\n\r\n",
            head + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", head + "no colon\r\n\r\n",
            head + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            String(repeating: "x", count: 20_000),
        ]
    )
    func badAnswers(_ text: String) {
        #expect { try answer(text) } throws: { error in
            let code = (error as? WebSocketError)?.code
            return code == .badHandshake || code == .refused
        }
    }

    @Test("a request has what the server asks for, and no lines of its own")
    func request() throws {
        var configuration = WebSocketClient.Configuration()
        configuration.fields = [.init("Authorization", "x")]
        configuration.subprotocols = ["a", "b"]
        configuration.deflate = WebSocketDeflate()
        let handshake = WebSocketClientHandshake(configuration, key: Self.key)
        let text = String(decoding: try handshake.request(try WebSocketURL("ws://h:1/p")), as: UTF8.self)
        #expect(
            text == "GET /p HTTP/1.1\r\nHost: h:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: \(Self.key)\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, b\r\n"
                + "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                + "client_max_window_bits\r\nAuthorization: x\r\n\r\n"
        )
        let url = try WebSocketURL("ws://h:1/p")
        #expect(throws: WebSocketError.self) {
            var configuration = WebSocketClient.Configuration()
            configuration.fields = [.init("A", "x\r\nB: y")]
            return try WebSocketClientHandshake(configuration, key: Self.key).request(url)
        }
    }
}
