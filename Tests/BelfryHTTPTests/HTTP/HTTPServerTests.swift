// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP
import BelfryIO
import BelfryTesting
import HTTPTypes
import Testing

@Suite("HTTP server", .serialized, .timeLimit(.minutes(3)))
struct HTTPServerTests {
    static func routes(_ router: inout Router) {
        router.onLoop(.get, "/hello") { _ in .text("hello\n") }
        router.onLoop(.get, "/users/:id") { request in .text("user \(request.parameter("id") ?? "-")\n") }
        router.onLoop(.post, "/echo") { request in .bytes(request.body + [10], type: "text/plain") }
        router.on(.get, "/task") { _ in
            await Task.yield()
            return .text("task\n")
        }
        router.on(.post, "/task") { request in .bytes(request.body + [10], type: "text/plain") }
        router.on(.get, "/stream") { _ in
            Response(
                body: .stream { writer in
                    for number in 0..<3 { try await writer.write("line \(number)\n") }
                }
            )
        }
        router.on(.get, "/measured") { _ in Response(body: .stream(length: 6) { try await $0.write("hello\n") }) }
        router.on(.get, "/short") { _ in Response(body: .stream(length: 60) { try await $0.write("hello\n") }) }
        router.onLoop(.get, "/large") { _ in .bytes(Self.large, type: "text/plain") }
        router.on(.get, "/fails") { _ in throw HTTPError(.conflict, "no") }
        router.onLoop(.get, "/breaks") { _ in throw CancellationError() }
        router.on(.get, "/sleeps") { _ in
            try await Task.sleep(for: .seconds(3_600))
            return .text("late\n")
        }
        router.onLoop(.delete, "/nothing") { _ in Response(status: .noContent) }
    }

    /// 4 MiB in lines of 64 KiB.
    static let large = Array(String(repeating: String(repeating: "x", count: 65_535) + "\n", count: 64).utf8)

    static func get(_ path: String, _ fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
    }

    static let close = "Connection: close\r\n"

    @Test("one connection carries many requests, pipelined or not", arguments: BackendKind.testable)
    func pipelining(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend, routes: Self.routes) { server in
            let client = try await server.connect()
            for _ in 0..<3 {
                try await client.send(Self.get("/hello"))
                #expect(await client.answer()?.body == "hello\n")
            }
            let paths = ["/hello", "/task", "/users/7", "/stream", "/measured", "/none", "/hello", "/fails", "/task"]
            try await client.send(paths.map { Self.get($0) }.joined())
            var answers: [HTTPAnswer] = []
            for _ in paths { answers.append(try #require(await client.answer())) }
            #expect(answers.map(\.status) == [200, 200, 200, 200, 200, 404, 200, 409, 200])
            #expect(
                answers.map(\.body) == [
                    "hello\n", "task\n", "user 7\n", "line 0\nline 1\nline 2\n", "hello\n", "Not Found\n", "hello\n",
                    "no\n", "task\n",
                ]
            )
            #expect(answers[3].fields["transfer-encoding"] == "chunked")
            #expect(answers[4].fields["content-length"] == "6")
            #expect(answers.allSatisfy { $0.fields["date"]?.hasSuffix(" GMT") == true })
            try await client.send(Self.get("/hello", Self.close))
            let last = await client.remaining()
            #expect(last.map(\.body) == ["hello\n"] && last.first?.fields["connection"] == "close")
        }
    }

    @Test("requests arrive whole however they are cut", arguments: BackendKind.testable)
    func cuts(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend, routes: Self.routes) { server in
            let client = try await server.connect()
            let body = "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
            let request = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)"
            for byte in request.utf8 { try await client.raw.send([byte]) }
            #expect(await client.answer()?.body == "hello world\n")
            try await client.send("POST /task HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel")
            try await client.send("lo" + Self.get("/hello"))
            #expect(await client.answer()?.body == "hello\n")
            #expect(await client.answer()?.body == "hello\n")
        }
    }

    @Test("HEAD, OPTIONS and what is not allowed", arguments: BackendKind.testable)
    func methods(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend, routes: Self.routes) { server in
            let client = try await server.connect()
            let host = "HTTP/1.1\r\nHost: a\r\n\r\n"
            for (path, length) in [("/hello", "6"), ("/large", "4194304"), ("/stream", nil)] {
                try await client.send("HEAD \(path) \(host)")
                let answer = await client.answer(toHead: true)
                #expect(answer?.status == 200 && answer?.fields["content-length"] == length)
            }
            try await client.send("PUT /task \(host)OPTIONS /task \(host)OPTIONS * \(host)DELETE /nothing \(host)")
            let refused = await client.answer()
            #expect(refused?.status == 405 && refused?.fields["allow"] == "GET, HEAD, OPTIONS, POST")
            #expect(await client.answer()?.fields["allow"] == "GET, HEAD, OPTIONS, POST")
            #expect(await client.answer()?.status == 204)
            let nothing = await client.answer()
            #expect(nothing?.status == 204 && nothing?.fields["content-length"] == nil)
            try await client.send(Self.get("/hello"))
            #expect(await client.answer()?.body == "hello\n")
        }
    }

    @Test("a client that waits for 100 Continue gets it, or a refusal at once", arguments: BackendKind.testable)
    func expectations(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend, routes: Self.routes) { server in
            let client = try await server.connect()
            let expect = "Host: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
            try await client.send("POST /echo HTTP/1.1\r\n\(expect)")
            #expect(await client.answer()?.status == 100)
            try await client.send("hello")
            #expect(await client.answer()?.body == "hello\n")
            try await client.send("POST /none HTTP/1.1\r\n\(expect)")
            let refused = await client.remaining()
            #expect(refused.map(\.status) == [404] && refused.first?.fields["connection"] == "close")
        }
    }

    @Test("a body for which there is no handler is read and dropped", arguments: BackendKind.testable)
    func dropped(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend, routes: Self.routes) { server in
            let body = "Content-Length: 5\r\n\r\nhello"
            let answers = try await server.exchange(
                "POST /none HTTP/1.1\r\nHost: a\r\n\(body)POST /hello HTTP/1.1\r\nHost: a\r\n\(body)"
                    + Self.get("/hello", Self.close)
            )
            #expect(answers.map(\.status) == [404, 405, 200])
        }
    }

    @Test("HTTP/1.0 is answered, and kept alive when it asks", arguments: BackendKind.testable)
    func old(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend, routes: Self.routes) { server in
            let alive = "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
            let answers = try await server.exchange(alive + "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(answers.map(\.body) == ["hello\n", "line 0\nline 1\nline 2\n"])
            #expect(answers[0].fields["connection"] == "keep-alive")
            #expect(answers[1].fields["connection"] == "close")
            #expect(answers[1].fields["transfer-encoding"] == nil)
        }
    }

    @Test("a large body arrives whole, and a stream that stops early is cut off", arguments: BackendKind.testable)
    func bodies(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend, routes: Self.routes) { server in
            let client = try await server.connect()
            try await client.send(Self.get("/large") + Self.get("/hello"))
            #expect(await client.answer()?.body.utf8.count == Self.large.count)
            #expect(await client.answer()?.body == "hello\n")
            try await client.send(Self.get("/short"))
            // Of 60 bytes; what of them arrives before the end is left to chance.
            #expect(await client.remaining().allSatisfy { $0.body.utf8.count <= 6 })
        }
    }

    @Test("errors of handlers are answers", arguments: BackendKind.testable)
    func errors(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend, routes: Self.routes) { server in
            let answers = try await server.exchange(
                Self.get("/fails") + Self.get("/breaks") + Self.get("/hello", Self.close)
            )
            #expect(answers.map(\.status) == [409, 500, 200])
            #expect(answers[1].body == "Internal Server Error\n")
        }
    }

    @Test("a client that finished sending still gets its answers", arguments: BackendKind.testable)
    func halfClosed(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend, routes: Self.routes) { server in
            let client = try await server.connect()
            try await client.send(Self.get("/task") + Self.get("/hello") + Self.get("/stream"))
            await client.raw.finish()
            #expect(await client.remaining().map(\.body) == ["task\n", "hello\n", "line 0\nline 1\nline 2\n"])
        }
    }

    @Test("malformed requests get their answer and a close, and reach no handler", arguments: BackendKind.testable)
    func malformed(_ backend: BackendKind) async throws {
        let reached = Lock(0)
        let count: Router.LoopHandler = { _ in
            reached.withLock { $0 += 1 }
            return .text("reached\n")
        }
        try await withHTTPServer(backend) { router in
            for method in [HTTPRequest.Method.get, .post, .put, .options] {
                router.onLoop(method, "/*", count)
                router.onLoop(method, "/second", count)
            }
        } _: { server in
            for request in MalformedRequest.all {
                let client = try await server.connect()
                try await client.raw.send(request.bytes + Array(Self.get("/second").utf8))
                let answers = await client.remaining()
                #expect(answers.map(\.status) == [request.status], "\(request.name)")
                #expect(answers.first?.fields["connection"] == "close", "\(request.name)")
            }
            #expect(reached.withLock { $0 } == 0)
        }
    }

    @Test("draining: what is under way is answered, the rest is closed", arguments: BackendKind.testable)
    func drain(_ backend: BackendKind) async throws {
        let gate = Parker<Void>()
        let arrived = Parker<Void>()
        try await withHTTPServer(backend) { router in
            router.on(.get, "/waits") { _ in
                arrived.unpark(())
                _ = await gate.park()
                return .text("done\n")
            }
        } _: { server in
            let idle = try await server.connect()
            let busy = try await server.connect()
            try await idle.send(Self.get("/readyz"))
            #expect(await idle.answer()?.status == 200)
            // The second one is read only once the first is answered: by then the server drains.
            try await busy.send(Self.get("/waits"))
            _ = await arrived.park()
            await server.server.close()
            #expect(await idle.answer() == nil)
            gate.unpark(())
            let answer = await busy.answer()
            #expect(answer?.body == "done\n" && answer?.fields["connection"] == "close")
            #expect(await busy.answer() == nil)
        }
    }

    @Test("operators are told health, readiness and metrics", arguments: BackendKind.testable)
    func operations(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend, routes: Self.routes) { server in
            let client = try await server.connect()
            try await client.send(Self.get("/healthz"))
            #expect(await client.answer()?.body == "ok\nio: \(backend)\nloops: 1\n")
            server.server.readiness.end()
            try await client.send(Self.get("/readyz"))
            #expect(await client.answer()?.status == 503)
            let other = try await server.connect()
            _ = try await server.exchange(Self.get("/hello", Self.close))
            try await eventually("the closed connection's request is counted") {
                try await other.send(Self.get("/metrics"))
                return await other.answer()?.body.contains("\nbelfry_http_requests_total ") == true
            }
            try await other.send(Self.get("/metrics"))
            let text = await other.answer()?.body ?? ""
            #expect(text.contains("# TYPE belfry_http_requests_total counter\n"))
        }
    }
}
