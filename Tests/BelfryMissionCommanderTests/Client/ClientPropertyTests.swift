// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryMissionCommander
import BelfryTesting
import Logging
import Testing

@Suite("A client's properties", .timeLimit(.minutes(3)))
struct ClientPropertyTests {
    @Test("a property takes its type alone, and comes back as it went in")
    func types() async throws {
        let client = try Client(io: .epoll, logger: .quiet)
        for property in Client.Property.allCases where property != .attemptReconnect {
            #expect(await client.get(property) == .null)
        }
        for property in [Client.Property.address, .clientID, .interface] {
            try await client.set(property, to: "Some Text")
            #expect(await client.get(property) == "Some Text")
            for wrong in [5, true, .other("1.5")] as [PropertyValue] {
                let error = await #expect(throws: MissionCommanderError.self) {
                    try await client.set(property, to: wrong)
                }
                #expect(error?.code == .invalidValue)
            }
        }
        for (property, text, lowest) in [(Client.Property.port, "Port", 1), (.bindPort, "Bind port", 0)] {
            for good in [.integer(lowest), 65_535, "30000"] as [PropertyValue] {
                try await client.set(property, to: good)
            }
            #expect(await client.get(property) == 30_000)
            for wrong in ["abc", "", true, nil, .other("1.5")] as [PropertyValue] {
                let error = await #expect(throws: MissionCommanderError.self) {
                    try await client.set(property, to: wrong)
                }
                #expect(error?.message == "\(text) must be integer value")
            }
            for wrong in [lowest - 1, 65_536, .min, .max] {
                let error = await #expect(throws: MissionCommanderError.self) {
                    try await client.set(property, to: .integer(wrong))
                }
                #expect(error?.code == .invalidValue)
            }
            #expect(await client.get(property) == 30_000)
        }
        #expect(await client.get(.attemptReconnect) == true)
        try await client.set(.attemptReconnect, to: false)
        #expect(await !client.attemptReconnect)
        await #expect(throws: MissionCommanderError.self) { try await client.set(.attemptReconnect, to: "no") }
        #expect(client.logger.label == "test")
        await client.shutDown()
    }

    @Test("connecting says what is missing, and init is needed until nothing is")
    func missing() async throws {
        let client = try Client(io: .epoll, logger: .quiet)
        let changes = client.states
        func complaint() async -> String? {
            await #expect(throws: MissionCommanderError.self) { try await client.connect() }?.message
        }
        #expect(await complaint() == "Address not set")
        try await client.setAddress("127.0.0.1")
        #expect(await complaint() == "Port not set")
        try await client.setPort(1)
        #expect(await complaint() == "Client ID not set")
        #expect(await client.state.rawValue == 9)
        try await client.setClientID("me")
        #expect(await client.state.rawValue == 8)
        try await client.setInterface("lo")
        #expect(await complaint() == "Bind port not set")
        var iterator = changes.makeAsyncIterator()
        #expect(
            try await iterator.next()
                == .element(ClientStateTransition(from: [.needsInit, .notConnected], to: .notConnected))
        )
        #expect(await client.state.rawValue == 8)
        await client.shutDown()
    }

    @Test("while the client runs, nothing but reconnecting can be changed", arguments: BackendKind.testable)
    func running(_ backend: BackendKind) async throws {
        try await withRawServer(backend, configure: { $0.closeGrace = .milliseconds(10) }) { _, server, watched in
            let client = watched.client
            #expect(try await client.connect())
            for property in Client.Property.allCases where property != .attemptReconnect {
                let error = await #expect(throws: MissionCommanderError.self) {
                    try await client.set(property, to: "1")
                }
                #expect(error?.code == .running)
            }
            await client.setAttemptReconnect(false)
            #expect(try await client.disconnect())
            try await client.setPort(nil)
            try await client.setPort(server.port)
        }
    }

    @Test(
        "a client leaves from the interface it was given",
        arguments: [("lo", "127.0.0.1"), ("127.0.0.2", "127.0.0.2"), ("", "127.0.0.1"), ("*", "127.0.0.1")]
    )
    func interface(_ interface: String, _ source: String) async throws {
        for backend in BackendKind.testable {
            try await withRawServer(backend) { bench, server, watched in
                try await watched.client.setInterface(interface)
                if interface == "lo" || interface == "127.0.0.2" { try await watched.client.setBindPort(0) }
                #expect(try await watched.client.connect())
                try await bench.until("a connection") { !server.side.accepted.isEmpty }
                #expect(server.loop.peerAddress(of: server.newest)?.host == source)
            }
        }
    }

    @Test("a client leaves from the port it was given, also when it comes back", arguments: BackendKind.testable)
    func bindPort(_ backend: BackendKind) async throws {
        try await withRawServer(backend) { bench, server, watched in
            // A port that was free a moment ago, of an address that no other test uses.
            let (probe, free) = try bench.listen(on: .ipv4(0x7F00_0105, port: 0), bench.recorder())
            server.loop.close(probe)
            try await watched.client.setInterface("127.0.1.5")
            try await watched.client.setBindPort(Int(try #require(free.port)))
            #expect(try await watched.client.connect())
            try await bench.until("a connection") { !server.side.accepted.isEmpty }
            #expect(server.loop.peerAddress(of: server.newest) == free)
            server.breakLinks()
            try await bench.until("another connection") { server.side.accepted.count == 2 }
            #expect(server.loop.peerAddress(of: server.newest) == free)
        }
    }

    @Test("a connection that meets itself is none", arguments: BackendKind.testable)
    func selfConnection(_ backend: BackendKind) async throws {
        try await withRawServer(backend, attemptReconnect: false) { bench, server, watched in
            try await server.kill(bench)
            try await watched.client.setInterface(server.address.host)
            try await watched.client.setBindPort(server.port)
            #expect(try await !watched.client.connect())
            #expect(try await watched.states(to: 72) == [22, 72])
        }
    }

    @Test("a local end that can't be had is a failure at once", arguments: ["192.0.2.1", "no-such-device"])
    func unusable(_ interface: String) async throws {
        try await withRawServer(.epoll) { _, _, watched in
            try await watched.client.setInterface(interface)
            try await watched.client.setBindPort(0)
            #expect(try await !watched.client.connect())
            #expect(try await watched.states(to: 72) == [22, 72])
        }
    }
}
