// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryTesting
import HTTPTypes
import Logging
import Testing

@Suite("HTTP client connection", .timeLimit(.minutes(3)))
struct HTTPClientConnectionTests {
    private static let hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    private func withServer(
        _ backend: BackendKind,
        _ steps: [ScriptedServer.Step],
        _ configuration: HTTPClientConnection.Configuration = .init(),
        _ body: (ScriptedServer, TestHTTPClient) async throws -> Void
    ) async throws {
        let group = try EventLoopGroup(backend.choice, count: 1, logger: Logger(label: "test"))
        let server = ScriptedServer(on: group.loops[0], steps)
        do {
            try await body(server, TestHTTPClient(try await server.start(), on: group.loops[0], configuration))
        } catch {
            await group.shutDown()
            throw error
        }
        await group.shutDown()
    }

    @Test("one connection carries one request after the other", arguments: BackendKind.testable)
    func keepsAlive(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend) { router in
            router.onLoop(.get, "/hello") { .text("hello \($0.query ?? "")") }
            router.on(.post, "/echo") { request in
                Response(body: .stream { writer in try await writer.write(request.body) })
            }
        } _: { server in
            let group = server.broker.group
            let client = TestHTTPClient(try HTTPURL("http://\(server.address)"), on: group.loops[0])
            async let first = client.send(HTTPClientRequest(.get, "/hello?a=b"))
            async let second = client.send(
                HTTPClientRequest(.post, "/echo", body: Array(repeating: 0x61, count: 200_000))
            )
            async let third = client.send(HTTPClientRequest(.head, "/hello"))
            async let fourth = client.send(HTTPClientRequest(.get, "/nowhere"))
            let found = await [first, second, third, fourth]
            #expect(found[0] == "200 hello a=b")
            #expect(found[1].utf8.count == 200_004)
            #expect(found[2] == "200 ")
            #expect(found[3].hasPrefix("404 "))
            #expect(await client.connectionCount == 1)
            await client.close()
            #expect(await client.get() == "closed")
        }
    }

    @Test("requests are written as they should be", arguments: BackendKind.testable)
    func writes(_ backend: BackendKind) async throws {
        try await withServer(backend, [.answer(Self.hello), .answer(Self.hello)]) { server, client in
            var request = HTTPClientRequest(.post, "/a%20b?c=d", body: Array("body!".utf8))
            request.fields[.cookie] = "a=b\r\nX: y"
            request.fields[.contentLength] = "99"
            #expect(await client.send(request) == "200 hello")
            #expect(await client.get() == "200 hello")
            let written = await server.requests
            #expect(written[0].hasPrefix("POST /a%20b?c=d HTTP/1.1\r\nHost: 127.0.0.1:"))
            #expect(written[0].hasSuffix("\r\nCookie: a=b  X: y\r\nContent-Length: 5\r\n\r\nbody!"))
            #expect(written[1].split(separator: "\r\n").count == 2)
            #expect(await client.send(HTTPClientRequest(.get, "/a b")) == "badRequest")
            #expect(await client.send(HTTPClientRequest(.get, "http://other/")) == "badRequest")
        }
    }

    @Test("a connection that the server ended is replaced, and a repeatable request repeated")
    func replaces() async throws {
        let steps: [ScriptedServer.Step] = [
            .answerAndClose(Self.hello), .answer(Self.hello), .close, .answer(Self.hello), .answer(Self.hello), .close,
            .answer(Self.hello),
        ]
        try await withServer(.epoll, steps) { server, client in
            #expect(await client.get() == "200 hello")
            #expect(await client.get() == "200 hello")
            // The server hangs up over the idle connection just as the request comes.
            #expect(await client.get() == "200 hello")
            #expect(await client.get() == "200 hello")
            // It may have arrived.
            #expect(await client.post() == "connectionLost")
            #expect(await client.post() == "200 hello")
            #expect(await server.requests.count == 7)
            #expect(await server.connections == 4)
        }
    }

    @Test("a new connection that gives no answer is not tried again")
    func doesNotInsist() async throws {
        try await withServer(.epoll, [.close, .answer(Self.hello)]) { server, client in
            #expect(await client.get() == "connectionLost")
            #expect(await server.requests.count == 1)
        }
    }

    @Test("an answer that has begun is not asked for again")
    func cutShort() async throws {
        let steps: [ScriptedServer.Step] = [.answer(Self.hello), .answerAndClose("HTTP/1.1 200 OK\r\nContent-Le")]
        try await withServer(.epoll, steps) { server, client in
            #expect(await client.get() == "200 hello")
            #expect(await client.get() == "connectionLost")
            #expect(await server.requests.count == 2)
        }
    }

    @Test("what is no HTTP, or more than was asked for, ends the connection")
    func malformed() async throws {
        let steps: [ScriptedServer.Step] = [
            .answer("SSH-2.0-x\r\n"), .answer(Self.hello + "HTTP/1.1 200 OK\r\n"), .answer(Self.hello),
            .answerAndClose("HTTP/1.0 200 OK\r\n\r\nto the end"), .answer(Self.hello),
        ]
        try await withServer(.epoll, steps) { server, client in
            #expect(await client.get() == "badResponse")
            #expect(await client.get() == "200 hello")
            #expect(await client.get() == "200 hello")
            #expect(await client.get() == "200 to the end")
            #expect(await client.get() == "200 hello")
        }
    }

    @Test("a silent server, a cancelled task, and a closed client all end the wait")
    func waits() async throws {
        try await withServer(.epoll, [.silence, .silence, .silence, .answer(Self.hello)]) { server, client in
            #expect(await client.send(HTTPClientRequest(.get, "/"), timeout: .milliseconds(1)) == "timedOut")
            let first = Task { await client.get() }
            try await eventually("a second request") { await server.requests.count == 2 }
            // One that waits for its turn goes without it.
            let second = Task { await client.get() }
            second.cancel()
            #expect(await second.value == "cancelled")
            first.cancel()
            #expect(await first.value == "cancelled")
            let third = Task { await client.get() }
            try await eventually("a third request") { await server.requests.count == 3 }
            await client.reset()
            #expect(await third.value == "connectionLost")
            #expect(await client.get() == "200 hello")
            await client.close()
            #expect(await client.get() == "closed")
        }
    }

    @Test("where nobody listens, nothing is sent")
    func refused() async throws {
        try await withServer(.epoll, []) { server, _ in
            let client = TestHTTPClient(try HTTPURL("http://127.0.0.1:1"), on: server.loop)
            #expect(await client.get() == "connectFailed")
        }
    }

    @Test("URLs that can't be connected to are refused")
    func urls() throws {
        let url = try HTTPURL("HTTP://[::1]:8001?a=b")
        #expect(url.authority == "[::1]:8001" && url.target == "/?a=b" && url.description == "http://[::1]:8001/?a=b")
        #expect(try HTTPURL("http://localhost").endpoint == .name("localhost", port: 80))
        #expect(try HTTPURL("HTTPS://localhost/a").endpoint == .name("localhost", port: 443))
        #expect(try HTTPURL("https://localhost/a").description == "https://localhost/a")
        for text in [
            "", "ws://a", "https://", "http://", "http://a b", "http://u@a", "http://a#b", "http://a:x",
            "http://unix:/a",
        ] {
            #expect(throws: HTTPClientError.self, "\(text)") { try HTTPURL(text) }
        }
    }
}
