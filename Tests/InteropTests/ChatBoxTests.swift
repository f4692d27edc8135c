// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Testing

/// The files and the semantics of ChatBox50, as the original has them.
///
/// Its way with files is in `Python/chatbox_original.py`, written from the specification alone; the library is driven
/// through the interop peer.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct ChatBoxTests {
    @Test("the library and the original go on with each other's files, and the same fires when")
    func peer() async throws {
        try await Script(name: "chatbox", setup: Setup(backend: .epoll, loops: 1)).run(checks: 9)
    }

    @Test("the page works in Chromium", arguments: Setup.all(loops: [1]))
    func page(_ setup: Setup) async throws {
        try await Script(name: "chatbox_browser", setup: setup).run(checks: 5)
    }
}
