// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryNucosMQ
import BelfryTesting
import Testing

@Suite("NucosLink", .timeLimit(.minutes(3)))
struct NucosLinkTests {
    /// Two links that stand; the one that is bound comes first.
    private func withLinks(
        _ backend: BackendKind,
        authenticates: Bool = false,
        _ body: (NucosLink, NucosLink, UInt16) async throws -> Void
    ) async throws {
        let bound = NucosLink(io: backend.choice, logger: .silent)
        let connected = NucosLink(io: backend.choice, logger: .silent)
        let isBound = await bound.bind(
            host: "127.0.0.1",
            port: 0,
            uid: authenticates ? "anna" : "anonymous",
            authenticator: authenticates ? SecretAuthenticator() : nil
        )
        #expect(isBound)
        let port = try #require(await bound.address?.port)
        let isConnected = await connected.connect(
            host: "127.0.0.1",
            port: port,
            uid: authenticates ? "anna" : "anonymous"
        ) { _ in .jsonString("secret") }
        #expect(isConnected)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(bound, connected, port))
        } catch {
            result = .failure(error)
        }
        await connected.close()
        await bound.close()
        try result.get()
    }

    @Test(
        "both sides send, hear and ping, with a handshake or without",
        arguments: BackendKind.testable,
        [false, true]
    )
    func symmetric(_ backend: BackendKind, authenticates: Bool) async throws {
        try await withLinks(backend, authenticates: authenticates) { bound, connected, _ in
            let (above, below) = (Notes(), Notes())
            await bound.on(event: "up") { await above.add($0.text) }
            await connected.on(event: "all") { await below.add($0.text) }
            for number in 0..<10 {
                #expect(await connected.send(event: "up", content: .json("\(number)")))
                #expect(await bound.send(event: "down", content: .json("\(number)")))
            }
            try await above.wait(for: 10)
            try await below.wait(for: 10)
            #expect(await above.all == (0..<10).map { "\($0)" })
            #expect(await below.all == (0..<10).map { "\($0)" })
            #expect(await bound.ping())
            #expect(await connected.ping())
            #expect(await bound.isConnected)
            #expect(await connected.isConnected)
            #expect(await bound.status == .server)
            #expect(await connected.status == .client)
            #expect(await !bound.send(event: "e", content: .json("{")))
        }
    }

    @Test("a third is turned away, and after the partner left the next may come", arguments: BackendKind.testable)
    func partners(_ backend: BackendKind) async throws {
        try await withLinks(backend) { bound, connected, port in
            let notes = Notes()
            await bound.on(event: "all") { await notes.add($0.text) }
            #expect(await bound.ping())
            let third = try NucosClient(host: "127.0.0.1", port: port, io: backend.choice, logger: .silent)
            let endings = Endings()
            await third.onDisconnect { await endings.add($0) }
            do {
                try await third.start()
                try await endings.wait(for: 1)
            } catch is IOError {
                // Closed before it even stood.
            }
            #expect(await !third.isConnected)
            await connected.close()
            #expect(await connected.status == nil)
            try await eventually("the partner to leave") { await !bound.isConnected }
            #expect(await connected.connect(host: "127.0.0.1", port: port))
            #expect(await connected.send(event: "up", content: .json("1")))
            try await notes.wait(for: 1)
            #expect(await bound.ping())
        }
    }

    @Test("what cannot be is false", arguments: BackendKind.testable)
    func refused(_ backend: BackendKind) async throws {
        let link = NucosLink(io: backend.choice, logger: .silent)
        #expect(await link.status == nil)
        #expect(await !link.isConnected)
        #expect(await !link.ping())
        #expect(await !link.send(event: "e", content: .json("1")))
        await link.close()
        #expect(await !link.bind(host: "no address", port: 0))
        #expect(await !link.connect(host: "no host!", port: 1))
        try await withLinks(backend) { bound, connected, port in
            #expect(await !link.bind(host: "127.0.0.1", port: port))
            #expect(await !bound.bind(host: "127.0.0.1", port: 0))
            #expect(await !bound.connect(host: "127.0.0.1", port: port))
            #expect(await !connected.bind(host: "127.0.0.1", port: 0))
            #expect(await link.status == nil)
            await bound.close()
            #expect(await bound.status == nil)
            try await eventually("the other side to know") { await !connected.isConnected }
            #expect(await !connected.send(event: "e", content: .json("1")))
            #expect(await !link.connect(host: "127.0.0.1", port: port))
        }
    }
}
