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

    @Test("the chat page and the client go on where they were, in Chromium", arguments: Setup.all(loops: [2]))
    func returning(_ setup: Setup) async throws {
        try await Script(name: "chat_page", setup: setup).run(checks: 11, within: .seconds(140))
    }
}
