// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

/// `belfry serve --history` as operators and clients meet it.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct HistoryTests {
    @Test(
        "what is said outlives the program, and a file that fails costs only the history",
        arguments: Setup.all(loops: [2])
    )
    func history(_ setup: Setup) async throws {
        try await Script(name: "history", setup: setup).run(checks: 5)
    }
}
