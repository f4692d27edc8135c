// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// A place in what a connection sends: behind all that was queued up to some moment.
package struct WireMark: Sendable {
    let queuedBytes: Int
}

// When something reaches the wire: who waits for an answer must not count the time that its question was queued.
extension Connection {
    /// The place behind what is queued now.
    package var wireMark: WireMark { WireMark(queuedBytes: queuedBytes) }

    /// Bytes that the backend has been given so far: it is given the next ones when it has got rid of these.
    package var givenBytes: Int { queuedBytes &- pendingBytes }

    /// Whether the kernel has taken everything before a mark.
    ///
    /// Asked from time to time; at worst it says so a little late.
    package func hasSent(_ mark: WireMark) -> Bool {
        queuedBytes &- pendingBytes >= mark.queuedBytes && !context.loop.isSending(handle)
    }
}
