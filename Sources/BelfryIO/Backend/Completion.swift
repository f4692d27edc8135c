// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// One thing that happened, as a backend reports it.
///
/// Plain values: nothing is called while they are gathered.
enum Completion {
    /// A listener took a connection; `connection` is adopted already, its receiving not yet armed.
    case accepted(IOHandle, connection: IOHandle)
    /// A listener could not accept for want of descriptors or memory; it tries again by itself.
    case starved(IOHandle)
    /// Bytes arrived in a leased buffer, from `start` on.
    case received(IOHandle, buffer: UInt16, start: Int, count: Int)
    /// A datagram arrived in a leased buffer; `sender` indexes the batch's addresses.
    case receivedDatagram(IOHandle, buffer: UInt16, count: Int, sender: Int)
    /// The peer finished sending: no more `received` will follow.
    case ended(IOHandle)
    /// After `finish`: all that was queued has been sent, and the stream is half-closed.
    case finished(IOHandle)
    /// A send that was refused as busy may be tried again.
    case writable(IOHandle)
    /// An outgoing connection stands.
    case connected(IOHandle)
    /// The connection failed (reset, refused…). The owner must still `close` it.
    case failed(IOHandle, errno: Int32)
    /// The very last report for a handle: its slot, descriptor and memory are free.
    case closed(IOHandle)
}

/// The completions of one turn.
struct CompletionBatch {
    var items: [Completion] = []
    var senders: [SocketAddress] = []

    mutating func removeAll() {
        items.removeAll(keepingCapacity: true)
        if !senders.isEmpty { senders.removeAll(keepingCapacity: true) }
    }
}
