// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

/// The MissionCommander wire between the library and peers with the original's clockwork.
///
/// Those are in `Python/missioncommander_peer.py`, written from the wire's specification alone; the library is driven
/// through the interop peer.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct MissionCommanderTests {
    @Test("the captured frames are written and read byte for byte", arguments: Setup.all(loops: [1, 4]))
    func golden(_ setup: Setup) async throws {
        try await Script(name: "mc_golden", setup: setup).run(checks: 6)
    }

    @Test(
        "clients with the original's clockwork and a server understand each other",
        arguments: Setup.all(loops: [1, 2])
    )
    func server(_ setup: Setup) async throws {
        try await Script(name: "mc_server", setup: setup).run(checks: 22)
    }

    @Test("a client and servers with the original's clockwork understand each other", arguments: Setup.all(loops: [2]))
    func client(_ setup: Setup) async throws {
        try await Script(name: "mc_client", setup: setup).run(checks: 23)
    }

    @Test("clients and a server of the library survive each other's end", arguments: Setup.all(loops: [1, 2]))
    func ours(_ setup: Setup) async throws {
        try await Script(name: "mc_ours", setup: setup).run(checks: 5)
    }

    @Test("bad input harms only the one who sends it", arguments: Setup.all(loops: [2]))
    func badInput(_ setup: Setup) async throws {
        try await Script(name: "mc_bad_input", setup: setup).run(checks: 12)
    }

    @Test("nucosMQ and MissionCommander clients meet in one room", arguments: Setup.all(loops: [2]))
    func room(_ setup: Setup) async throws {
        try await Script(name: "mc_room", setup: setup).run(checks: 6)
    }
}
