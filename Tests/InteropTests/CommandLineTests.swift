// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

/// The program as a person or a service manager meets it.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct CommandLineTests {
    @Test("belfry says what it does and ends as it should", arguments: Setup.all(loops: [2]))
    func commandLine(_ setup: Setup) async throws {
        try await Script(name: "command_line", setup: setup).run(checks: 11)
    }
}
