// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

@testable import Belfry

@Suite(.timeLimit(.minutes(3)))
struct LimitTests {
    @Test(
        "connections beyond maxConnections are closed and counted, and come in when others go",
        arguments: LoopSetup.all
    )
    func connections(setup: LoopSetup) async throws {
        try await withBroker(setup, configure: { $0.limits.maxConnections = 5 }) { test in
            var clients: [TestClient] = []
            for _ in 0..<5 { clients.append(try await test.join("full")) }
            let refused = try await test.connect()
            #expect(await refused.line() == nil)
            #expect(test.broker.statistics.refused == 1)
            #expect(test.broker.statistics.connections == 5)
            await clients[0].close()
            try await eventually("one has gone") { test.broker.statistics.connections == 4 }
            _ = try await test.join("full")
        }
    }

    @Test("connections of one address beyond maxConnectionsPerAddress are closed and counted", arguments: LoopSetup.all)
    func perAddress(setup: LoopSetup) async throws {
        try await withBroker(setup, configure: { $0.limits.maxConnectionsPerAddress = 2 }) { test in
            let first = try await test.join("a")
            _ = try await test.join("a")
            let refused = try await test.connect()
            #expect(await refused.line() == nil)
            #expect(test.broker.statistics.refused == 1)
            #expect(test.broker.statistics.connections == 2)
            await first.close()
            try await eventually("one has gone") { test.broker.statistics.connections == 1 }
            _ = try await test.join("a")
        }
    }

    @Test("a session that asks for too much is told which limit stands against it", arguments: LoopSetup.all)
    func rooms(setup: LoopSetup) async throws {
        try await withBroker(
            setup,
            configure: {
                $0.limits.maxRoomsPerSession = 3
                $0.limits.maxRooms = 4
                $0.limits.maxRoomNameBytes = 20
            }
        ) { test in
            let client = try await test.connect()
            for number in 0..<4 { try await client.send("JOIN r\(number)") }
            #expect(await client.line() == "! r3 tooManyRooms")
            try await client.send("LEAVE r0\nJOIN " + String(repeating: "x", count: 21))
            #expect(await client.line()?.hasSuffix(" badName") == true)
            try await client.send("JOIN ")
            #expect(await client.line() == "!  badName")
            let other = try await test.connect()
            try await eventually("r0 has gone") { test.broker.statistics.rooms == 2 }
            try await other.send("JOIN a\nJOIN b\nJOIN r1")
            try await eventually("all rooms are taken") { test.broker.statistics.rooms == 4 }
            let third = try await test.connect()
            try await third.send("JOIN c")
            #expect(await third.line() == "! c noMoreRooms")
            // It may still join one that exists.
            try await third.send("JOIN a\nM a e hello")
            #expect(await third.line() == "M a e hello")
        }
    }

    @Test("a line beyond the protocol's limit closes its sender, nobody else")
    func messageBytes() async throws {
        var frontEnd = LineFrontEnd()
        frontEnd.maxLineBytes = 1_000
        try await withBroker(frontEnd: frontEnd) { test in
            let good = try await test.join("lines", count: 1)[0]
            let bad = try await test.join("lines", count: 1)[0]
            try await bad.send([UInt8](repeating: 120, count: 1_001))
            #expect(await bad.line() == nil)
            try await good.send("M lines e still here")
            #expect(await good.line() == "M lines e still here")
        }
    }

    @Test("a thousand clients that come and go leave nothing behind", arguments: LoopSetup.all)
    func churn(setup: LoopSetup) async throws {
        try await withBroker(setup) { test in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<10 {
                    group.addTask {
                        for number in 0..<100 {
                            let client = try await test.connect()
                            try await client.send(
                                "JOIN room\(number % 7)\nJOIN own\(worker)\nM own\(worker) e hi\nSAY hi"
                            )
                            if number % 2 == 0 {
                                try await client.skip(to: "= hi")
                                if number % 4 == 0 { try await client.send("QUIT") }
                            }
                            await client.close()
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await eventually("all were accepted") { test.broker.statistics.accepted == 1_000 }
            try await eventually("no connection is left") { test.broker.statistics.connections == 0 }
            try await eventually("no room is left") { test.broker.statistics.rooms == 0 }
            try await eventually("no socket is left but the listener") {
                await test.loopStatistics().map(\.openHandles).reduce(0, +) == 1
            }
            #expect(await test.loopStatistics().allSatisfy { $0.leasedBuffers == 0 })
            for index in 0..<setup.loops {
                let isEmpty = await LoopDoor(test.broker.shared, index).run {
                    $0.rooms.isEmpty && $0.rosters.isEmpty && $0.connections.isEmpty
                }
                #expect(isEmpty)
            }
            #expect(test.broker.statistics.accepted == 1_000)
        }
    }
}
