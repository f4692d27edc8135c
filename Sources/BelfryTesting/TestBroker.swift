// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import Belfry
package import BelfryIO
import Foundation
import Logging

/// A running broker with a ``LineFrontEnd`` listening.
package struct TestBroker: Sendable {
    /// The broker.
    package let broker: Broker
    /// Where the front-end listens.
    package let address: SocketAddress

    /// Connects a client.
    package func connect() async throws -> TestClient { try await TestClient(to: address) }

    /// A client that is in a room.
    package func join(_ room: String) async throws -> TestClient {
        let client = try await connect()
        try await client.send("JOIN \(room)")
        // The answer to what was asked behind the join says that the join has left; the room's count that it arrived.
        try await client.send("SAY joined")
        try await client.skip(to: "= joined")
        return client
    }

    /// Connects clients that are in a room, all of them for certain.
    package func join(_ room: String, count: Int) async throws -> [TestClient] {
        let held = try await broker.room(room)
        let before = await held.memberCount
        var clients: [TestClient] = []
        for _ in 0..<count { clients.append(try await join(room)) }
        try await eventually("\(count) members more") { await held.memberCount == before + count }
        return clients
    }

    /// The counters of every loop.
    package func loopStatistics() async -> [LoopStatistics] {
        var found: [LoopStatistics] = []
        for index in broker.shared.loops.indices {
            found.append(await LoopDoor(broker.shared, index).run { $0.loop.statistics })
        }
        return found
    }
}

/// Where a test's front-end listens.
package enum TestListener: Sendable {
    /// TCP on the loopback, at a port that the kernel chooses.
    case tcp
    /// A Unix socket in the temporary directory: its buffers are small, so a reader that stops is felt soon.
    case unix
}

/// Runs `body` with a broker that listens, and shuts it down after it, whatever happens.
package func withBroker(
    _ setup: LoopSetup = LoopSetup(.epoll, loops: 1),
    listener: TestListener = .tcp,
    frontEnd: LineFrontEnd = LineFrontEnd(),
    configure: (inout BrokerConfiguration) -> Void = { _ in },
    _ body: (TestBroker) async throws -> Void
) async throws {
    var configuration = BrokerConfiguration(io: setup.backend.choice, loops: setup.loops)
    configuration.drainTimeout = .seconds(1)
    configure(&configuration)
    var logger = Logger(label: "belfry.test")
    logger.logLevel = .critical
    let broker = try Broker(configuration: configuration, logger: logger)
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(
        "belfry-\(UUID().uuidString.prefix(8)).sock"
    )
    defer { try? FileManager.default.removeItem(at: path) }
    do {
        let wanted: SocketAddress = listener == .tcp ? .loopback(port: 0) : .unix(path: path.path)
        let bound = try await broker.listen(on: wanted, frontEnd: frontEnd)
        try await body(TestBroker(broker: broker, address: bound.address))
    } catch {
        await broker.shutDown()
        throw error
    }
    await broker.shutDown()
}
