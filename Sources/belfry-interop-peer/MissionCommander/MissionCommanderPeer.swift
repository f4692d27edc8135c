// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import Logging

/// The MissionCommander operations.
actor MissionCommanderPeer: PeerSystem {
    private let configuration: BrokerConfiguration
    private let logger: Logger
    private let output: PeerOutput
    /// The last request of each object that others wait behind.
    private var last: [String: Task<Void, Never>] = [:]

    init(broker configuration: BrokerConfiguration, logger: Logger, output: PeerOutput) {
        self.configuration = configuration
        self.logger = logger
        self.output = output
    }

    // MARK: Order

    func last(of request: PeerRequest) -> Task<Void, Never>? { last[request.name] }

    func note(_ task: Task<Void, Never>, for request: PeerRequest) { last[request.name] = task }

    // MARK: Operations

    func perform(_ request: PeerRequest) async throws -> JSON {
        throw PeerError("\(request.op) is not available yet")
    }
}
