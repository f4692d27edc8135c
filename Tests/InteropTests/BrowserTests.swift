// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Testing

/// The browser client and its pages in a headless Chromium.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct BrowserTests {
    @Test("the browser client and its pages work in Chromium")
    func pages() async throws {
        let script = Script(name: "browser", setup: Setup(backend: .epoll, loops: 1))
        try await script.run(checks: 14, within: .seconds(240))
    }
}
