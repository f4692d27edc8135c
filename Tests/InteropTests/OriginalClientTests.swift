// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

/// The nucosMQ wire between the built programs and clients that share no code with them.
///
/// Those are the package from PyPI, and plain sockets. The scripts are in `Python`; each of their checks is a sentence
/// that the test shows when it fails.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct OriginalClientTests {
    @Test("original clients talk through belfry serve", arguments: Setup.all(loops: [1, 2, 4]))
    func conversation(_ setup: Setup) async throws {
        try await Script(name: "conversation", setup: setup).run(checks: 9)
    }

    @Test("the captured conversation is repeated byte for byte", arguments: Setup.all(loops: [1, 4]))
    func golden(_ setup: Setup) async throws {
        try await Script(name: "golden", setup: setup).run(checks: 5)
    }
}
