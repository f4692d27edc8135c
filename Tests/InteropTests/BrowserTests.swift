// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Testing

/// The browser client and its pages in a headless Chromium.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct BrowserTests {
    @Test("the browser client and its pages work in Chromium", arguments: Setup.all(loops: [2]))
    func pages(_ setup: Setup) async throws {
        try await Script(name: "browser", setup: setup).run(checks: 14, within: .seconds(140))
    }
}
