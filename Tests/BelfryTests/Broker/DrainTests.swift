// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Logging
import ServiceLifecycle
import Testing

@testable import Belfry

@Suite(.timeLimit(.minutes(3)))
struct DrainTests {
    @Sendable private static func patient(_ configuration: inout BrokerConfiguration) {
        configuration.drainTimeout = .seconds(30)
        // The clients are read one after the other.
        configuration.limits.closeGrace = .seconds(30)
    }

    @Test("a drain tells the clients and sends what is queued, a megabyte too", arguments: LoopSetup.all)
    func flush(setup: LoopSetup) async throws {
        try await withBroker(setup, listener: .unix, configure: Self.patient) { test in
            let clients = try await test.join("tail", count: 4)
            for client in clients { await client.setReading(false) }
            let room = try await test.broker.room("tail")
            let text = String(repeating: "0123456789abcdef", count: 4_096)
            for _ in 0..<16 { try await room.publish(event: "e", .text(text)) }
            let drained = Task { await test.broker.shutDown() }
            for client in clients {
                await client.setReading(true)
                let lines = await client.remainingLines()
                #expect(lines.filter { $0 == "M tail e \(text)" }.count == 16)
                #expect(lines.last?.prefix(10) == "BYE")
            }
            await drained.value
            #expect(test.broker.statistics.connections == 0)
            #expect(test.broker.statistics.rooms == 0)
        }
    }

    @Test("a client that stops sending still gets its answers", arguments: LoopSetup.all)
    func halfClose(setup: LoopSetup) async throws {
        try await withBroker(setup, listener: .unix, configure: Self.patient) { test in
            let client = try await test.connect()
            await client.setReading(false)
            let text = String(repeating: "x", count: 10_000)
            let line = Array("SAY \(text)\n".utf8)
            try await client.send((0..<50).flatMap { _ in line })
            await client.finish()
            await client.setReading(true)
            #expect(await client.remainingLines() == Array(repeating: "= \(text)", count: 50))
            try await eventually("the connection has gone") { test.broker.statistics.connections == 0 }
        }
    }

    @Test("a client that never reads holds the drain up no longer than its deadline", arguments: LoopSetup.all)
    func deadline(setup: LoopSetup) async throws {
        try await withBroker(
            setup,
            listener: .unix,
            configure: {
                $0.drainTimeout = .milliseconds(50)
                $0.limits.closeGrace = .seconds(3_600)
            }
        ) { test in
            let client = try await test.join("stuck", count: 1)[0]
            await client.setReading(false)
            let room = try await test.broker.room("stuck")
            let text = String(repeating: "x", count: 1_000_000)
            for _ in 0..<4 { try await room.publish(.text(text)) }
            // That it returns is the test: without the deadline it would take an hour.
            await test.broker.shutDown()
            #expect(test.broker.statistics.connections == 0)
        }
    }

    @Test("nothing new is taken in once the drain has begun")
    func refuses() async throws {
        try await withBroker { test in
            await test.broker.shutDown()
            await #expect(throws: (any Error).self) { _ = try await test.connect() }
            await #expect(throws: BelfryError.self) {
                _ = try await test.broker.listen(on: .loopback(port: 0), frontEnd: LineFrontEnd())
            }
            await #expect(throws: BelfryError.self) { _ = try await test.broker.room("late") }
        }
    }

    @Test("shutting down twice, at once and again, waits for the one end")
    func twice() async throws {
        try await withBroker(LoopSetup(.epoll, loops: 2)) { test in
            _ = try await test.join("twice")
            async let first: Void = test.broker.shutDown()
            async let second: Void = test.broker.shutDown()
            _ = await (first, second)
            await test.broker.shutDown()
            await test.broker.run()
            #expect(test.broker.statistics.connections == 0)
        }
    }

    @Test("a broker in a service group drains on graceful shutdown and on cancellation", arguments: [true, false])
    func service(isGraceful: Bool) async throws {
        try await withBroker(LoopSetup(.epoll, loops: 2)) { test in
            let client = try await test.join("service")
            let group = ServiceGroup(
                configuration: .init(services: [test.broker], logger: Logger(label: "belfry.test"))
            )
            let running = Task { try await group.run() }
            if isGraceful { await group.triggerGracefulShutdown() } else { running.cancel() }
            #expect(await client.remainingLines().last == "BYE")
            _ = await running.result
            #expect(test.broker.statistics.connections == 0)
        }
    }

    @Test("what is confined to a loop may still be asked for when the loop has ended", arguments: [1, 4])
    func afterwards(loops: Int) async throws {
        try await withBroker(LoopSetup(.epoll, loops: loops)) { test in
            var rooms: [Room] = []
            for number in 0..<8 { rooms.append(try await test.broker.room("room \(number)")) }
            await test.broker.shutDown()
            await withTaskGroup(of: Void.self) { group in
                for room in rooms {
                    group.addTask {
                        for _ in 0..<100 {
                            #expect(await room.memberCount == 0)
                            #expect(await room.history().isEmpty)
                            await #expect(throws: BelfryError.self) { try await room.publish(.text("late")) }
                        }
                    }
                }
            }
        }
    }
}
