// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

/// Clients that break the rules, by mistake or on purpose.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct HostileClientTests {
    @Test("bad input harms only the one who sends it", arguments: Setup.all(loops: [2]))
    func badInput(_ setup: Setup) async throws {
        try await Script(name: "bad_input", setup: setup).run(checks: 14)
    }

    @Test("a subscriber that never reads harms nobody and learns what it lost", arguments: Setup.all(loops: [1]))
    func slowConsumer(_ setup: Setup) async throws {
        try await Script(name: "slow_consumer", setup: setup).run(checks: 1)
    }
}
