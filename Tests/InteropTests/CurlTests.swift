// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import Foundation
import HTTPTypes
import Logging
import Testing

/// The HTTP server as curl and wrk meet it.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct CurlTests {
    private static let page = "<p>belfry</p>\n"

    /// Runs `body` with a function that runs curl, or another program, with arguments; `URL` in them stands for the
    /// server's.
    private func withServer(
        _ setup: Setup,
        running program: [String] = ["curl", "-sS", "--max-time", "20"],
        _ body: (_ curl: ([String]) async throws -> String) async throws -> Void
    ) async throws {
        var logger = Logger(label: "belfry.test")
        logger.logLevel = .critical
        let metrics = PrometheusMetrics()
        var configuration = BrokerConfiguration(io: setup.backend == .uring ? .uring : .epoll, loops: setup.loops)
        configuration.metrics = metrics
        let broker = try Broker(configuration: configuration, logger: logger)
        let server = HTTPServer.web(broker: broker, address: .loopback(port: 0), metrics: metrics) { router in
            var resources = StaticResources()
            resources.add("index.html", Array(Self.page.utf8))
            router.resources(resources)
            router.on(.post, "/length") { request in .text("\(request.body.count)") }
            router.on(.get, "/stream") { _ in
                Response(
                    body: .stream { writer in
                        for number in 0..<1_000 { try await writer.write("\(number)\n") }
                    }
                )
            }
        }
        do {
            let address = try await server.start()
            try await body { arguments in
                let arguments = arguments.map { $0.replacing("URL", with: "http://\(address)") }
                let curl = try ChildProcess("/usr/bin/env", program + arguments)
                let result = try await curl.result(within: .seconds(30))
                #expect(result.status == 0, "\(arguments): \(result.errors)")
                return result.output
            }
        } catch {
            await broker.shutDown()
            throw error
        }
        await broker.shutDown()
    }

    @Test("curl gets pages, streams and refusals", arguments: Setup.all(loops: [2]))
    func get(_ setup: Setup) async throws {
        try await withServer(setup) { curl in
            // Two on one connection.
            #expect(try await curl(["URL/", "URL/index.html"]) == Self.page + Self.page)
            #expect(try await curl(["-0", "URL/"]) == Self.page)
            #expect(try await curl(["--http2", "URL/"]) == Self.page)
            let lines = try await curl(["URL/stream"]).split(separator: "\n")
            #expect(lines.count == 1_000 && lines.last == "999")
            let head = try await curl(["-I", "URL/"])
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n") && head.contains("Content-Length: 14\r\n"))
            let status = ["-o", "/dev/null", "-w", "%{http_code}"]
            #expect(try await curl(status + ["URL/none"]) == "404")
            #expect(try await curl(status + ["--path-as-is", "URL/../etc/passwd"]) == "400")
            #expect(try await curl(status + ["-X", "DELETE", "URL/"]) == "405")
            let tag = try await curl(["-o", "/dev/null", "-w", "%header{etag}", "URL/"])
            if !tag.isEmpty { #expect(try await curl(status + ["-H", "If-None-Match: \(tag)", "URL/"]) == "304") }
            #expect(try await curl(["URL/healthz"]).hasPrefix("ok\n"))
            #expect(try await curl(["URL/readyz"]) == "ready\n")
            #expect(try await curl(["URL/metrics"]).contains("# TYPE"))
        }
    }

    @Test("curl sends bodies: waiting for 100 Continue, in chunks, and too large", arguments: Setup.all(loops: [2]))
    func post(_ setup: Setup) async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("belfry-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(repeating: 120, count: 1_048_576).write(to: file)
        try await withServer(setup) { curl in
            let data = ["--data-binary", "@\(file.path)"]
            let chunked = ["-H", "Transfer-Encoding: chunked"]
            #expect(try await curl(data + ["URL/length"]) == "1048576")
            #expect(try await curl(data + ["-H", "Expect: 100-continue", "URL/length"]) == "1048576")
            #expect(try await curl(data + chunked + ["URL/length"]) == "1048576")
            try Data(repeating: 120, count: 1_048_577).write(to: file)
            let status = ["-o", "/dev/null", "-w", "%{http_code}"]
            #expect(try await curl(status + data + ["-H", "Expect: 100-continue", "URL/length"]) == "413")
        }
    }

    @Test("a hundred of wrk's connections get nothing but what they asked for", arguments: Setup.all(loops: [1, 2]))
    func wrk(_ setup: Setup) async throws {
        try await withServer(setup, running: ["wrk", "-t1", "-c100", "-d1s"]) { wrk in
            for path in ["/", "/readyz"] {
                let report = try await wrk(["URL\(path)"])
                #expect(report.contains(" requests in ") && !report.contains("\n  0 requests in "), "\(report)")
                // It says so where there were any.
                #expect(!report.contains("Socket errors") && !report.contains("Non-2xx"), "\(report)")
            }
        }
    }
}
