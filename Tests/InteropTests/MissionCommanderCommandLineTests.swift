// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

/// `belfry missioncommander` as scripts and people meet it.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct MissionCommanderCommandLineTests {
    @Test("the command line answers line by line and leaves nobody behind", arguments: Setup.all(loops: [1]))
    func pipe(_ setup: Setup) async throws {
        try await Script(name: "mc_command_line", setup: setup).run(checks: 17)
    }

    @Test("the command line is comfortable in a terminal", arguments: Setup.all(loops: [1]))
    func terminal(_ setup: Setup) async throws {
        try await Script(name: "mc_terminal", setup: setup).run(checks: 9)
    }
}
