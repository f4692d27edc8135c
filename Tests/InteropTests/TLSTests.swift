// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP
import BelfryIO
import Foundation
import HTTPTypes
import Logging
import Testing

/// Our clients and TLS servers of Python's.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct TLSTests {
    private static let large = 16 << 20

    private func engine(_ setup: Setup) -> IOChoice { setup.backend == .uring ? .uring : .epoll }

    private struct Peer: Decodable, Sendable {
        let authority: String
        let ports: [String: UInt16]

        func webSocket(_ name: String, host: String = "127.0.0.1") -> String { "wss://\(host):\(ports[name] ?? 0)/" }
        func web(_ name: String) -> String { "https://127.0.0.1:\(ports[name] ?? 0)" }

        var configuration: WebSocketClient.Configuration {
            var configuration = WebSocketClient.Configuration()
            configuration.authorities = authority
            configuration.maxMessageBytes = 2 * TLSTests.large
            return configuration
        }
    }

    /// Starts the servers, and ends them with the body.
    private func withPeer(_ body: (Peer) async throws -> Void) async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("belfry-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let child = try ChildProcess(Programs.python(), [Programs.script("tls_peer"), file.path])
        async let result = child.result(within: .seconds(50))
        let deadline = ContinuousClock.now + .seconds(20)
        while !FileManager.default.fileExists(atPath: file.path), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(10))
        }
        let peer = try JSONDecoder().decode(Peer.self, from: Data(contentsOf: file))
        try await body(peer)
        try await WebSocketClient.withConnection(to: peer.webSocket("echo"), configuration: peer.configuration) {
            try await $0.send("quit")
            for try await _ in $0.messages {}
        } when: {
            $0.closeCode?.rawValue == 4_000
        }
        let end = try await result
        #expect(end.status == 0, "\(end.errors.suffix(2_000))")
    }

    @Test("WebSockets talk over TLS 1.3 and 1.2, by address and by name", arguments: Setup.all(loops: [1]))
    func webSocket(_ setup: Setup) async throws {
        try await withPeer { peer in
            for (url, version) in [
                (peer.webSocket("echo"), "TLSv1.3"), (peer.webSocket("older", host: "localhost"), "TLSv1.2"),
            ] {
                try await WebSocketClient.withConnection(
                    to: url,
                    io: engine(setup),
                    configuration: peer.configuration
                ) { socket in
                    var arrived = socket.messages.makeAsyncIterator()
                    try await socket.send("about")
                    #expect(try await arrived.next() == .text("\(version) http/1.1"))
                    let messages: [WebSocketMessage] = [
                        .text(""), .text("héllo ☃ 𝄞"), .binary([UInt8](repeating: 7, count: 65_536)),
                        .text(String(repeating: "belfry ", count: 2_000_000)),
                        .binary([UInt8](repeating: 9, count: Self.large)),
                    ]
                    for (index, message) in messages.enumerated() {
                        try await socket.send(message)
                        let isSame = try await arrived.next() == message
                        #expect(isSame, "message \(index)")
                    }
                    await socket.close(.normal, reason: "done")
                    #expect(await socket.end?.code == .normal)
                }
            }
        }
    }

    @Test("a reader that waits gets everything all the same, in order", arguments: Setup.all(loops: [1]))
    func slowReader(_ setup: Setup) async throws {
        try await withPeer { peer in
            var configuration = peer.configuration
            configuration.maxReceivedBytes = 100_000
            try await WebSocketClient.withConnection(
                to: peer.webSocket("echo"),
                io: engine(setup),
                configuration: configuration
            ) { socket in
                try await socket.send("flood")
                var numbers: [String] = []
                for try await case .binary(let bytes) in socket.messages {
                    numbers.append(String(decoding: bytes.prefix(4), as: UTF8.self))
                    if numbers.count < 20 { await Task.yield() }
                    if numbers.count == 200 { break }
                }
                #expect(numbers == (0..<200).map { String(format: "%04d", $0) })
            }
        }
    }

    @Test("a sender that is faster than the wire waits, and loses nothing", arguments: Setup.all(loops: [1]))
    func fastSender(_ setup: Setup) async throws {
        try await withPeer { peer in
            var configuration = peer.configuration
            configuration.maxPendingBytes = 100_000
            try await WebSocketClient.withConnection(
                to: peer.webSocket("echo"),
                io: engine(setup),
                configuration: configuration
            ) { socket in
                let count = 200
                async let arrived = socket.messages.prefix(count).reduce(into: [UInt8]()) { numbers, message in
                    if case .binary(let bytes) = message { numbers.append(bytes.last ?? 0) }
                }
                for number in 0..<count {
                    try await socket.send([UInt8](repeating: UInt8(number), count: 70_000))
                }
                #expect(try await arrived == (0..<count).map { UInt8($0) })
            }
        }
    }

    @Test("a connection that is cut is told from one that ends", arguments: Setup.all(loops: [1]))
    func cut(_ setup: Setup) async throws {
        try await withPeer { peer in
            try await WebSocketClient.withConnection(
                to: peer.webSocket("echo"),
                io: engine(setup),
                configuration: peer.configuration
            ) { socket in
                try await socket.send("cut")
                var texts: [WebSocketMessage] = []
                await #expect {
                    for try await message in socket.messages { texts.append(message) }
                } throws: {
                    ($0 as? WebSocketError)?.code == .connectionLost
                }
                #expect(texts == [.text("last words")])
            }
        }
    }

    @Test("who is not who they should be is told apart, and never gets a byte", arguments: Setup.all(loops: [1]))
    func untrusted(_ setup: Setup) async throws {
        try await withPeer { peer in
            var hasty = peer.configuration
            hasty.handshakeTimeout = .milliseconds(300)
            var system = peer.configuration
            system.authorities = nil
            var missing = peer.configuration
            missing.authorities = "/nowhere.pem"
            for (name, configuration, code, words) in [
                ("other", peer.configuration, WebSocketError.Code.untrusted, "IP address mismatch"),
                ("expired", peer.configuration, .untrusted, "expired"),
                ("alone", peer.configuration, .untrusted, "self-signed"),
                ("echo", system, .untrusted, "unable to get local issuer certificate"),
                ("echo", missing, .connectFailed, "/nowhere.pem"),
                ("plain", peer.configuration, .connectFailed, "does not talk TLS"),
                ("hang up", peer.configuration, .connectFailed, "hung up in the TLS handshake"),
                ("silent", hasty, .connectFailed, "no answer to the TLS handshake"),
            ] {
                await #expect {
                    try await WebSocketClient.withConnection(
                        to: peer.webSocket(name),
                        io: engine(setup),
                        configuration: configuration
                    ) { _ in Issue.record("\(name) was let in") }
                } throws: { error in
                    guard let error = error as? WebSocketError, error.code == code else {
                        Issue.record("\(name): \(error)")
                        return false
                    }
                    if !error.message.contains(words) { Issue.record("\(name): \(error)") }
                    return true
                }
            }
        }
    }

    @Test("HTTP requests go over TLS, one connection for all that can share it", arguments: Setup.all(loops: [1]))
    func web(_ setup: Setup) async throws {
        try await withPeer { peer in
            let group = try EventLoopGroup(engine(setup), count: 1, logger: Logger(label: "belfry.test"))
            let client = WebClient(on: group.loops[0], authorities: peer.authority)
            let web = try HTTPURL(peer.web("web"))
            #expect(await client.get(web, "/hello") == "200 5 hello")
            #expect(await client.get(web, "/large") == "200 5000000 xxxxx")
            #expect(await client.post(web, 3_000_000) == "200 3000000 yyyyy")
            #expect(await client.connectionCount == 1)
            #expect(await client.get(web, "/end") == "200 13 until")
            #expect(await client.get(web, "/cut") == "connectionLost")
            #expect(await client.get(web, "/hello") == "200 5 hello")
            #expect(try await client.get(HTTPURL(peer.web("expired")), "/") == "untrusted")
            #expect(try await client.get(HTTPURL(peer.web("other")), "/") == "untrusted")
            #expect(try await client.get(HTTPURL(peer.web("plain")), "/") == "connectFailed")
            #expect(try await client.get(HTTPURL(peer.web("hang up")), "/") == "connectFailed")
            #expect(try await client.get(HTTPURL(peer.web("silent")), "/") == "connectFailed")
            await client.close()
            await group.shutDown()
        }
    }
}

/// HTTP clients of a loop, for tests off it.
private actor WebClient: LoopBound {
    nonisolated let loop: EventLoop
    private let authorities: String
    private var connections: [HTTPURL: LoopConfined<HTTPClientConnection>] = [:]

    init(on loop: EventLoop, authorities: String) {
        self.loop = loop
        self.authorities = authorities
    }

    func get(_ url: HTTPURL, _ path: String) async -> String { await send(url, HTTPClientRequest(.get, path)) }

    func post(_ url: HTTPURL, _ count: Int) async -> String {
        await send(url, HTTPClientRequest(.post, "/", body: [UInt8](repeating: UInt8(ascii: "y"), count: count)))
    }

    private func send(_ url: HTTPURL, _ request: HTTPClientRequest) async -> String {
        let connection = connections[url] ?? make(url)
        connections[url] = connection
        do throws(HTTPClientError) {
            let response = try await connection.value.send(request)
            return
                "\(response.status) \(response.body.count) \(String(decoding: response.body.prefix(5), as: UTF8.self))"
        } catch {
            return error.code.rawValue
        }
    }

    private func make(_ url: HTTPURL) -> LoopConfined<HTTPClientConnection> {
        var configuration = HTTPClientConnection.Configuration()
        configuration.authorities = authorities
        configuration.connectTimeout = .milliseconds(500)
        return LoopConfined(onLoop: HTTPClientConnection(url, on: loop, configuration: configuration), loop)
    }

    var connectionCount: Int { connections.values.reduce(0) { $0 + $1.value.connectionCount } }
    func close() { for connection in connections.values { connection.value.close() } }
}

extension WebSocketClient {
    /// Ends quietly on an error that is expected.
    fileprivate static func withConnection(
        to url: String,
        configuration: Configuration,
        _ body: (WebSocket) async throws -> Void,
        when isExpected: (WebSocketError) -> Bool
    ) async throws {
        do {
            try await withConnection(to: url, configuration: configuration, body)
        } catch let error as WebSocketError where isExpected(error) {}
    }
}
