// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryNucosMQ
import BelfryTesting
import Testing

/// Clients whose event loops end under them.
@Suite("nucosMQ client at its loop's end", .timeLimit(.minutes(3)))
struct NucosClientLoopEndTests {
    @Test("a client whose group is shut down in a pause before coming back ends", arguments: BackendKind.testable)
    func pausing(_ backend: BackendKind) async throws {
        try await withExchange(backend) { exchange in
            let group = try EventLoopGroup(backend.choice, count: 1, logger: .silent)
            var configuration = NucosClientConfiguration()
            var policy = ReconnectPolicy()
            policy.firstPause = .seconds(3600)
            policy.maxPause = .seconds(3600)
            configuration.reconnect = policy
            let client = try NucosClient(
                host: "127.0.0.1",
                port: exchange.address.port ?? 0,
                configuration: configuration,
                group: group,
                logger: .silent
            )
            let endings = Endings()
            await client.onDisconnect { await endings.add($0) }
            let messages = client.events()
            try await client.start()
            await exchange.broker.shutDown()
            try await endings.wait(for: 1)
            await group.shutDown()
            await #expect(throws: QueueError.self) {
                for try await _ in messages {}
            }
            try await endings.wait(for: 2)
            #expect(await endings.all.map(\.willReconnect) == [true, false])
        }
    }
}
