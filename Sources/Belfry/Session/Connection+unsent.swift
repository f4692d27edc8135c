// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

// What a link that broke had still to send.
extension Connection {
    /// The same as `linger` from within `linkBroke`: the link is being closed already.
    package func keepUnsent() { if !isClosing { isLingering = true } }

    /// What was not sent, frame behind frame, and leaves all rooms; after `linger` or `keepUnsent`.
    ///
    /// - Parameter offset: What the room was told from there on is left out.
    package func takeUnsent(before offset: UInt64) -> [UInt8] {
        guard isLingering else { return [] }
        cutLagging(to: offset)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pendingBytes)
        for segment in pending {
            segment.chunk.withBytes(segment.start..<segment.end) { span in
                bytes.append(addingCapacity: span.count) { (output: inout OutputSpan<UInt8>) in
                    for index in span.indices { output.append(span[index]) }
                }
            }
        }
        pending = []
        pendingBytes = 0
        isLingering = false
        leaveAll()
        return bytes
    }
}
