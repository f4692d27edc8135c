// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// An id of one service by its text, byte by byte: `String` takes different texts for equal ones.
struct IDKey: Sendable, Hashable {
    let side: SentBy
    private let bytes: [UInt8]

    init(_ side: SentBy, _ text: String) {
        self.side = side
        bytes = Array(text.utf8)
    }
}
