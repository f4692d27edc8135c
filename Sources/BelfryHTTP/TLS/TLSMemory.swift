// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTLS

/// What the TLS connections of a loop share: who is trusted, and memory to decrypt into.
///
/// Loop-confined.
final class TLSMemory {
    private var contexts: [String?: TLSContext] = [:]
    private var memory: [UInt8] = []

    /// The loop's.
    static func of(_ loop: EventLoop) -> TLSMemory { loop.local { TLSMemory() } }

    /// The context of those who trust a file's authorities, nil for the system's; read once.
    func context(_ authorities: String?) throws(TLSError) -> TLSContext {
        if let known = contexts[authorities] { return known }
        let made = try TLSContext(authorities: authorities)
        contexts[authorities] = made
        return made
    }

    /// Lends the memory; a call within a call gets memory of its own.
    func lend(_ body: (inout [UInt8]) -> Void) {
        var lent: [UInt8] = []
        swap(&lent, &memory)
        body(&lent)
        swap(&lent, &memory)
    }
}
