// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// Memory to unmask into, one piece for all connections of a loop.
///
/// Loop-confined.
final class WebSocketScratch {
    private var memory: [UInt8] = []

    /// The loop's.
    static func of(_ loop: EventLoop) -> WebSocketScratch { loop.local { WebSocketScratch() } }

    /// Lends the memory; a call within a call gets memory of its own.
    @inline(__always)
    func lend(_ body: (inout [UInt8]) -> Void) {
        var lent: [UInt8] = []
        swap(&lent, &memory)
        body(&lent)
        swap(&lent, &memory)
    }
}
