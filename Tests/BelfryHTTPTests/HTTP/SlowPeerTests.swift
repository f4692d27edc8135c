// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryTesting
import Testing

/// Time-outs are set to nothing here, so that the server's next look, once a second, finds them passed.
@Suite("HTTP server and slow peers", .timeLimit(.minutes(3)))
struct SlowPeerTests {
    private static func instant(_ settings: inout HTTPServerConfiguration) {
        settings.headerTimeout = .milliseconds(1)
        settings.bodyTimeout = .milliseconds(1)
        settings.handlerTimeout = .milliseconds(1)
        settings.writeTimeout = .milliseconds(1)
    }

    @Test(
        "who never completes a head or a body gets 408, a handler that never ends 503",
        arguments: BackendKind.testable
    )
    func senders(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend, configure: Self.instant, routes: HTTPServerTests.routes) { server in
            let head = try await server.connect()
            let body = try await server.connect()
            let handler = try await server.connect()
            let fine = try await server.connect()
            try await fine.send(HTTPServerTests.get("/hello"))
            #expect(await fine.answer()?.status == 200)
            try await head.send("GET / HTTP/1.1\r\nHost")
            try await body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell")
            try await handler.send(HTTPServerTests.get("/sleeps"))
            #expect(await head.remaining().map(\.status) == [408])
            #expect(await body.remaining().map(\.status) == [408])
            #expect(await handler.remaining().map(\.status) == [503])
            // Between two requests that is no concern.
            try await fine.send(HTTPServerTests.get("/hello"))
            #expect(await fine.answer()?.status == 200)
        }
    }

    @Test("who sends nothing for long is closed without a word", arguments: BackendKind.testable)
    func idle(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend, configure: { $0.keepAliveTimeout = .milliseconds(1) }, routes: { _ in }) {
            let answers = try await $0.connect().remaining()
            #expect(answers.isEmpty)
        }
    }

    @Test("who reads nothing is closed, and costs no memory", arguments: BackendKind.testable)
    func readers(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend, configure: Self.instant, routes: HTTPServerTests.routes) { server in
            var clients: [HTTPClient] = []
            for _ in 0..<4 {
                let client = try await server.connect()
                await client.raw.setReading(false)
                // 4 GiB, if somebody took them.
                for _ in 0..<10 {
                    try? await client.send(String(repeating: HTTPServerTests.get("/large"), count: 100))
                }
                clients.append(client)
            }
            try await eventually("all were accepted") { server.broker.statistics.accepted == 4 }
            try await eventually("all are closed") {
                #expect(server.broker.statistics.frameLogBytes < 16 * 1_024 * 1_024)
                return server.broker.statistics.connections == 0
            }
            #expect(server.metrics.text.contains("belfry_http_timeouts_total 4\n"))
        }
    }

    @Test("many small answers to who reads nothing are bounded as well", arguments: BackendKind.testable)
    func pipeliners(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend, configure: Self.instant, routes: HTTPServerTests.routes) { server in
            let client = try await server.connect()
            await client.raw.setReading(false)
            let requests = Array(String(repeating: HTTPServerTests.get("/hello"), count: 20_000).utf8)
            for _ in 0..<20 { try? await client.raw.send(requests) }
            try await eventually("it was accepted") { server.broker.statistics.accepted == 1 }
            try await eventually("it is closed") { server.broker.statistics.connections == 0 }
            #expect(server.broker.statistics.frameLogBytes < 16 * 1_024 * 1_024)
        }
    }
}
