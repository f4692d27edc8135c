// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// One socket of a run and what it has received.
struct Connection {
    let descriptor: CInt
    /// The group it belongs to.
    let group: Int
    /// Whether its deliveries count; a publisher's own copies and acknowledgements do not.
    let isCounted: Bool
    /// Whether bytes may go uncopied: not while an interlude may stand among them.
    var mayDiscard: Bool
    var counter: FrameCounter
    /// Counts instead, where acknowledgements have no fixed length.
    var receipts: ReceiptCounter?
    /// What it says to get the next message, where none comes unasked.
    var question: [UInt8] = []
    /// Reads so far; one in 64 is looked at.
    var reads = 0
}
