// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// One protocol's operations: what performs the requests of a driver.
protocol PeerSystem: Actor {
    /// What a request has to wait for: the last one on the same object that others wait behind.
    func last(of request: PeerRequest) -> Task<Void, Never>?

    /// Takes note of a request that is under way.
    func note(_ task: Task<Void, Never>, for request: PeerRequest)

    /// Does what is asked, and returns the result.
    func perform(_ request: PeerRequest) async throws -> JSON
}
