// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// Whether a server wants more work; shared by its routes and whoever runs it.
public final class Readiness: Sendable {
    private let state = Lock(true)

    /// Ready, to begin with.
    public init() {}

    /// What `/readyz` says: false once the server drains, or was told so.
    public var isReady: Bool { state.withLock { $0 } }

    /// Says that no more work should come, so that a load balancer looks elsewhere before the server stops.
    public func end() { state.withLock { $0 = false } }

    /// The server serves, perhaps again.
    func begin() { state.withLock { $0 = true } }
}
