// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryTesting
import Testing

@Suite("WebSocket upgrade over the wire", .serialized, .timeLimit(.minutes(3)))
struct WebSocketUpgradeTests {
    private static func request(_ fields: String) -> String {
        "GET / HTTP/1.1\r\nHost: a.example\r\n\(fields)\r\n"
    }

    private static let good =
        "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        + "Sec-WebSocket-Version: 13\r\n"

    /// Sends a head and what comes behind it; returns lines up to the head's end.
    private func head(_ address: SocketAddress, _ fields: String, behind: [UInt8] = []) async throws -> [String] {
        let client = try await TestClient(to: address)
        try await client.send(Array(Self.request(fields).utf8) + behind)
        var lines: [String] = []
        while let line = await client.line(), line != "\r" { lines.append(String(line.dropLast())) }
        await client.close()
        return lines
    }

    @Test("a good request is switched", arguments: BackendKind.testable)
    func switches(_ backend: BackendKind) async throws {
        try await withWebSocketServer(LoopSetup(backend, loops: 1)) { _, address, _ in
            let lines = try await head(address, Self.good)
            #expect(lines.first == "HTTP/1.1 101 Switching Protocols")
            let fields = Set(lines.dropFirst().map { $0.lowercased() })
            #expect(fields.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="))
            #expect(fields.contains("upgrade: websocket") && fields.contains("connection: upgrade"))
            #expect(
                !fields.contains { $0.hasPrefix("sec-websocket-extensions") || $0.hasPrefix("sec-websocket-protocol") }
            )
        }
    }

    @Test("frames that come with the request are not lost", arguments: BackendKind.testable)
    func behind(_ backend: BackendKind) async throws {
        try await withWebSocketServer(LoopSetup(backend, loops: 1)) { _, address, _ in
            let client = try await TestClient(to: address)
            let frames = Frames().adding(.text, "early\n")
            try await client.send(Array(Self.request(Self.good).utf8) + frames.bytes)
            try await client.skip(to: "\r")
            #expect(await client.line()?.hasSuffix("early") == true)
            await client.close()
        }
    }

    @Test(
        "what is wrong with a request is said",
        arguments: [
            ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", "400"),
            (good.replacingVersion("12"), "426"), (good.replacingVersion("13, 8"), "426"),
            ("Connection: Upgrade\r\nUpgrade: h2c\r\n", "426"),
            (good + "Origin: http://b.example\r\n", "403"), (good + "Origin: null\r\n", "403"),
            (good + "Origin: http://a.example\r\n", "101"),
            (good.replacingKey("short"), "400"),
            (good + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "400"),
            ("", "426"),
        ]
    )
    func refuses(_ fields: String, _ status: String) async throws {
        try await withWebSocketServer(LoopSetup(.epoll, loops: 1)) { _, address, _ in
            let lines = try await head(address, fields)
            #expect(lines.first?.split(separator: " ").dropFirst().first.map(String.init) == status)
            if status == "426" {
                #expect(lines.contains { $0.lowercased() == "upgrade: websocket" })
                if fields.contains("Sec-WebSocket-Version") { #expect(lines.contains("Sec-WebSocket-Version: 13")) }
            }
        }
    }
}

extension String {
    fileprivate func replacingVersion(_ version: String) -> String {
        split(separator: "\r\n").map {
            $0.hasPrefix("Sec-WebSocket-Version") ? "Sec-WebSocket-Version: \(version)" : String($0)
        }
        .joined(separator: "\r\n") + "\r\n"
    }

    fileprivate func replacingKey(_ key: String) -> String {
        split(separator: "\r\n").map { $0.hasPrefix("Sec-WebSocket-Key") ? "Sec-WebSocket-Key: \(key)" : String($0) }
            .joined(separator: "\r\n") + "\r\n"
    }
}
