// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryMissionCommander
import BelfryTesting
import Testing

@Suite("MissionCommander server, its life", .timeLimit(.minutes(3)))
struct ServerLifeTests {
    @Test("what was sent before a stop arrives, then the shutdown, to all", arguments: LoopSetup.all)
    func flush(_ setup: LoopSetup) async throws {
        try await withServer(
            setup,
            configure: {
                $0.stopTimeout = .seconds(30)
                $0.negotiationTimeout = .seconds(60)
            }
        ) { server, _ in
            var peers: [RawPeer] = []
            for index in 0..<5 { peers.append(try await server.join("c\(index)")) }
            let silent = try await RawPeer(to: server.address)
            try await eventually("the silent one is connected") { await server.openConnections == 6 }
            for number in 0..<200 {
                try await server.send(number, to: .all)
                for index in 0..<5 { try await server.send(number, to: .id("c\(index)"), as: "one") }
            }
            async let stopped: Void = server.stop()
            let expected = (0..<200).flatMap { [SeenFrame.number($0), .number($0, as: "one")] } + [.shutdown]
            for peer in peers {
                let seen = await peer.frames(401)
                #expect(seen.count == 401)
                #expect(zip(seen, expected).first { $0 != $1 } == nil)
                await peer.close()
            }
            #expect(await silent.frame() == .shutdown)
            await silent.close()
            try await stopped
            #expect(await server.openConnections == 0)
        }
    }

    // Rooms of several names, at home on loops of several numbers.
    @Test(
        "what was sent to all in the very turn of the stop arrives before it",
        arguments: LoopSetup.all.filter { $0.loops != 1 },
        ["a", "b", "c", "d"]
    )
    func lastWords(_ setup: LoopSetup, _ room: String) async throws {
        try await withServer(setup, configure: { $0.room = room }) { server, _ in
            var peers: [RawPeer] = []
            for index in 0..<6 { peers.append(try await server.join("c\(index)")) }
            // On the room's loop: nothing of the two calls has to wait for another turn.
            let stopping = Task(executorPreference: server.loop) {
                try await server.send(7, to: .all)
                try await server.stop()
            }
            for peer in peers {
                #expect(await peer.frames(2) == [.number(7), .shutdown])
                await peer.close()
            }
            try await stopping.value
        }
    }

    @Test(
        "clients that do not close, and one that does not read, are closed in the end",
        arguments: BackendKind.testable
    )
    func stubborn(_ backend: BackendKind) async throws {
        try await withServer(LoopSetup(backend, loops: 1)) { server, _ in
            let idle = try await server.join("idle")
            let deaf = try await server.join("deaf")
            await deaf.setReading(false)
            let filler = String(repeating: "x", count: 1_000_000)
            for _ in 0..<7 {
                try await server.send(to: "deaf", Message(subject: "s", payload: .json(#"{"filler": "\#(filler)"}"#)))
            }
            try await server.stop()
            #expect(await server.openConnections == 0)
            #expect(await idle.frames(2) == [.shutdown])
            await deaf.close()
        }
    }

    @Test("start, stop and start again", arguments: LoopSetup.all)
    func restart(_ setup: LoopSetup) async throws {
        try await withPlainBroker(setup) { broker in
            let server = Server(broker: broker, interface: "", port: 0)
            #expect(await server.status == "Stopped")
            let never = await #expect(throws: MissionCommanderError.self) { try await server.stop() }
            #expect(never?.code == .notStarted)
            for round in 0..<3 {
                let address = try await server.start()
                #expect(await server.isRunning)
                #expect(await server.status == "Running")
                #expect(await server.address == address)
                let local = SocketAddress.loopback(port: address?.port ?? 0)
                let peer = try await RawPeer("x", to: local)
                try await eventually("x is in") { await server.knownIDs["x"] == true }
                try await server.send(round, to: "x")
                #expect(await peer.frame() == .number(round))
                async let stopped: Void = server.stop()
                #expect(await peer.frame() == .shutdown)
                await peer.close()
                try await stopped
                #expect(await server.knownIDs.isEmpty)
                try await server.stop()
                #expect(await server.address == nil)
            }
        }
    }

    @Test("state updates are told, in order")
    func stateUpdates() async throws {
        try await withPlainBroker { broker in
            let server = Server(broker: broker, interface: "lo", port: 0)
            let seen = Lock<[String]>([])
            await server.subscribeToStateUpdate { was, isRunning in seen.withLock { $0.append("\(was) \(isRunning)") } }
            try await server.start()
            #expect(seen.withLock { $0 } == ["false true"])
            try await server.stop()
            #expect(seen.withLock { $0 } == ["false true", "true false"])
        }
    }

    @Test(
        "an interface is an address, a host's name, a device's name, or all",
        arguments: ["127.0.0.1", "localhost", "lo"]
    )
    func interfaces(_ interface: String) async throws {
        try await withPlainBroker { broker in
            let server = Server(broker: broker)
            try await server.setInterface(interface)
            try await server.set(.port, to: "0")
            let address = try await server.start()
            #expect(address?.host == "127.0.0.1")
            try await server.stop()
            try await server.set(.interface, to: "*")
            #expect(await server.get(.interface) == "")
            #expect(try await server.start()?.host == "0.0.0.0")
            try await server.stop()
        }
    }

    @Test("what is missing or wrong is said in the original's words")
    func errors() async throws {
        try await withPlainBroker { broker in
            let server = Server(broker: broker)
            #expect(await server.get(.interface) == .null)
            #expect(await server.get(.port) == .null)
            await expectError("Interface not set") { try await server.start() }
            try await server.set(.interface, to: "127.0.0.1")
            await expectError("Port not set") { try await server.start() }
            for value in ["abc", nil, true, .other("1.5")] as [PropertyValue] {
                await expectError("Port must be integer value") { try await server.set(.port, to: value) }
            }
            await expectError("Port must be from 0 to 65535, not 65536") { try await server.setPort(65_536) }
            await expectError("Interface must be string value") { try await server.set(.interface, to: 5) }
            await expectError("Server is not running") { try await server.send(1, to: .all) }
            try await server.set(.port, to: 0)
            let address = try await server.start()
            await expectError("Server must be stopped before setting interface") {
                try await server.set(.interface, to: "lo")
            }
            await expectError("Server must be stopped before setting port") { try await server.set(.port, to: 1) }
            await expectError("Server is already running") { try await server.start() }
            let second = Server(broker: broker, interface: "127.0.0.1", port: address?.port.map(Int.init))
            let taken = await #expect(throws: MissionCommanderError.self) { try await second.start() }
            #expect(taken?.code == .startFailed)
            #expect(taken?.message.contains("in use") == true)
            let nowhere = Server(broker: broker, interface: "no.such.host.invalid", port: 0)
            let unknown = await #expect(throws: MissionCommanderError.self) { try await nowhere.start() }
            #expect(unknown?.code == .startFailed)
            try await server.stop()
        }
    }

    @Test("a reader that does not read loses the oldest messages, and holds up nobody")
    func slowReader() async throws {
        try await withServer { server, _ in
            let messages = server.messages
            let peer = try await server.join("x")
            var all: [UInt8] = []
            for number in 0..<5_000 { all += frameBytes("n", #"{"n": \#(number)}"#) }
            try await peer.send(all)
            try await eventually("all have come") { messages.statistics.droppedOldest == 904 }
            var iterator = messages.makeAsyncIterator()
            guard case .gap(from: 0, to: 904)? = try await iterator.next() else {
                Issue.record("the loss is not announced")
                return
            }
            try await server.send(1, to: "x")
            #expect(await peer.frame() == .number(1))
        }
    }

    @Test("a broker that drains says shutdown, too")
    func drain() async throws {
        try await withPlainBroker { broker in
            let server = Server(broker: broker, interface: "127.0.0.1", port: 0)
            try await server.start()
            let peer = try await server.join("x")
            try await server.send(1, to: "x")
            async let drained: Void = broker.shutDown()
            #expect(await peer.frames(2) == [.number(1), .shutdown])
            await peer.close()
            await drained
        }
    }

    private func expectError(_ message: String, _ body: () async throws -> some Any) async {
        let error = await #expect(throws: MissionCommanderError.self) { _ = try await body() }
        #expect(error?.message == message)
    }
}
