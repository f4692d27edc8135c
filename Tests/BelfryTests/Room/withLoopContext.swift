// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Logging

@testable import Belfry

/// Runs `body` on the loop of an idle broker, with what it keeps there.
func withLoopContext(
    _ configuration: BrokerConfiguration = BrokerConfiguration(io: .epoll, loops: 1),
    _ body: @escaping @Sendable (LoopContext) -> Void
) async throws {
    let broker = try Broker(configuration: configuration, logger: Logger(label: "belfry.test"))
    await LoopDoor(broker.shared, 0).run(body)
    await broker.shutDown()
}
