// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

/// The Watchbox wire from outside, and the browser client in a headless Chromium.
@Suite(.serialized, .timeLimit(.minutes(8)))
struct WatchboxTests {
    @Test("the server speaks as the wire's specification has it", arguments: Setup.all(loops: [1, 2]))
    func server(_ setup: Setup) async throws {
        try await Script(name: "watchbox", setup: setup).run(checks: 13, within: .seconds(100))
    }

    @Test("the browser client and its demo work in Chromium", arguments: Setup.all(loops: [2]))
    func browser(_ setup: Setup) async throws {
        try await Script(name: "watchbox_browser", setup: setup).run(checks: 15, within: .seconds(200))
    }
}
