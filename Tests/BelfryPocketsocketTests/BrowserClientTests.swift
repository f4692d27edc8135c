// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryPocketsocket
import Logging
import Testing

@Suite("The browser client's files", .timeLimit(.minutes(3)))
struct BrowserClientTests {
    /// The head and the body of the answer to a request, as text.
    private func get(_ path: String, _ fields: String = "", from address: SocketAddress) async throws -> [String] {
        let request = "GET \(path) HTTP/1.1\r\nHost: \(address)\r\nConnection: close\r\n\(fields)\r\n"
        let port = try #require(address.port)
        return try await TCPConnection.withConnection(to: address.host, port: port, io: .epoll) { connection in
            try await connection.send(Array(request.utf8))
            var answer: [UInt8] = []
            for try await chunk in connection.inbound { answer += chunk }
            return String(decoding: answer, as: UTF8.self).split(separator: "\r\n\r\n", maxSplits: 1).map(String.init)
        }
    }

    @Test("a server hands out page and client, once", arguments: [IOChoice.epoll, .automatic])
    func served(io: IOChoice) async throws {
        var logger = Logger(label: "belfry.test")
        logger.logLevel = .critical
        let broker = try Broker(configuration: .init(io: io, loops: 1), logger: logger)
        let server = HTTPServer.web(broker: broker, address: .loopback(port: 0)) { router in
            router.resources(BrowserClient.resources)
        }
        let address = try await server.start()
        let page = try await get("/", from: address)
        #expect(page.first?.hasPrefix("HTTP/1.1 200 ") == true)
        #expect(page.last?.contains("pocket.socket.js") == true)
        let script = try await get("/pocket.socket.js", from: address)
        #expect(script.first?.lowercased().contains("content-type: text/javascript") == true)
        #expect(script.last?.contains("AddressException") == true)
        // All that the page asks for is there, and nothing is from elsewhere.
        let parts = try #require(page.last).matches(of: #/(?:src|href)="([^"#:]+)"/#).map { "/\($0.1)" }
        #expect(parts.count >= 8)
        for name in parts + ["/pocket.socket.d.ts"] {
            #expect(try await get(name, from: address).first?.hasPrefix("HTTP/1.1 200 ") == true, "\(name)")
        }
        let line = script.first?.split(separator: "\r\n").first { $0.lowercased().hasPrefix("etag:") }
        let tag = try #require(line?.split(separator: " ").last)
        let again = try await get("/pocket.socket.js", "If-None-Match: \(tag)\r\n", from: address)
        #expect(again.first?.hasPrefix("HTTP/1.1 304 ") == true)
        await broker.shutDown()
    }
}
