// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

/// The Pocketsocket wire from outside: its captures, hostile bytes, and clients of other makes.
@Suite(.serialized, .timeLimit(.minutes(4)))
struct PocketsocketTests {
    @Test("the server speaks as the wire's specification has it", arguments: Setup.all(loops: [1, 2]))
    func server(_ setup: Setup) async throws {
        try await Script(name: "pocketsocket", setup: setup).run(checks: 8, within: .seconds(100))
    }
}
