// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The lines of standard input, read on a thread of their own: reading waits, and a task must not.
enum PeerInput {
    static func lines() -> AsyncStream<String> {
        AsyncStream { continuation in
            Thread.detachNewThread {
                while let line = readLine() {
                    if !line.isEmpty { continuation.yield(line) }
                }
                continuation.finish()
            }
        }
    }
}
