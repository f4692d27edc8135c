// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// One end of something in the simulated network; loop-confined.
final class SimulatedSocket {
    enum Role {
        case listener, stream, datagrams
    }

    let role: Role
    var local: SocketAddress?
    var remote: SocketAddress?
    /// Nil while a connection waits to be accepted, and once the socket is closed.
    var handle: IOHandle?
    var isArmed = false
    /// Already among those to look at.
    var isListed = false

    // MARK: Streams

    /// The other end; nil before the connection stands and after that end was closed.
    var peer: SimulatedSocket?
    var isConnecting = false
    /// What has arrived and was not received yet.
    var incoming = ByteQueue()
    /// The peer has finished sending; `incoming` is the rest.
    var incomingEnded = false
    /// The peer broke off with this `errno`; 0 while it has not.
    var incomingError: Int32 = 0
    var hasEnded = false
    var hasFailed = false
    /// The send under way and how many of its bytes are with the peer.
    var sending: SendBatch?
    var sentBytes = 0
    var wantsWritable = false
    var isFinishing = false
    var isShut = false

    // MARK: Listeners

    /// Connections that stand and wait to be accepted.
    var backlog: Deque<SimulatedSocket> = []
    var maxBacklog = 0
    /// Connecting ends that found the backlog full.
    var knocking: Deque<SimulatedSocket> = []
    var isStarved = false

    // MARK: Datagrams

    var datagrams: Deque<(sender: SocketAddress, bytes: [UInt8])> = []

    init(_ role: Role, local: SocketAddress? = nil) {
        self.role = role
        self.local = local
    }
}
