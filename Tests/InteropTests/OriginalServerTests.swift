// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

/// Clients, links and datagrams of the library, with the package from PyPI at the other end.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct OriginalServerTests {
    @Test("clients of the library talk to an original server", arguments: Setup.all(loops: [1]))
    func client(_ setup: Setup) async throws {
        try await Script(name: "original_server", setup: setup).run(checks: 7)
    }

    @Test("clients of the library sign in to an original server and meet in rooms", arguments: Setup.all(loops: [1]))
    func handshake(_ setup: Setup) async throws {
        try await Script(name: "original_handshake", setup: setup).run(checks: 6)
    }

    @Test("links of the library and of the package join, both ways", arguments: Setup.all(loops: [1]))
    func link(_ setup: Setup) async throws {
        try await Script(name: "link", setup: setup).run(checks: 3)
    }

    @Test("datagrams go between the library and the package, both ways", arguments: Setup.all(loops: [1]))
    func datagrams(_ setup: Setup) async throws {
        try await Script(name: "datagrams", setup: setup).run(checks: 4)
    }
}
