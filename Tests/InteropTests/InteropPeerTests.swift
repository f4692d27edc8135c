// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

/// Original clients and a server of the library, driven through the interop peer.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct InteropPeerTests {
    @Test("original clients and a server of the library understand each other", arguments: Setup.all(loops: [1, 2, 4]))
    func peer(_ setup: Setup) async throws {
        try await Script(name: "peer_conversation", setup: setup).run(checks: 11)
    }
}
