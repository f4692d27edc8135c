// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Glibc

// Bytes through connections, and their ends.
extension SimulatedBackend {
    /// Sends and receives what can be, within the turn's budget.
    mutating func serve(_ socket: SimulatedSocket, into batch: inout CompletionBatch) {
        guard !socket.isConnecting, !socket.hasFailed else { return }
        transmit(socket)
        if socket.isArmed, !socket.hasFailed { receive(socket, into: &batch) }
    }

    // MARK: Sending

    private mutating func transmit(_ socket: SimulatedSocket) {
        guard let batch = socket.sending else { return shutIfFinished(socket) }
        guard socket.incomingError == 0 else { return fail(socket, socket.incomingError) }
        guard let peer = socket.peer else { return fail(socket, EPIPE) }
        if socket.sentBytes == 0, random.chance(options.simulatedFaults.resets) {
            breakOff(peer, ECONNRESET)
            socket.peer = nil
            return fail(socket, ECONNRESET)
        }
        let wanted = batch.byteCount - socket.sentBytes
        var count = min(wanted, Self.pipeBytes - peer.incoming.count)
        if count > 1, random.chance(options.simulatedFaults.shortSends) {
            count = random.part(of: count)
            list(socket)
        }
        // A full pipe: the receiver lists this end again once it has taken something.
        guard count > 0 || wanted == 0 else { return }
        Self.copy(batch, from: socket.sentBytes, count, to: peer)
        socket.sentBytes += count
        list(peer)
        guard count == wanted else { return }
        socket.sending = nil
        if socket.wantsWritable, let handle = socket.handle {
            socket.wantsWritable = false
            pending.append(.writable(handle))
        }
        shutIfFinished(socket)
    }

    private static func copy(_ batch: SendBatch, from position: Int, _ count: Int, to peer: SimulatedSocket) {
        var skip = position
        var left = count
        for segment in [batch.first] + batch.rest where left > 0 {
            guard skip < segment.count else {
                skip -= segment.count
                continue
            }
            let start = segment.start + skip
            let end = min(segment.end, start + left)
            segment.chunk.withBytes(start..<end) { peer.incoming.append($0) }
            left -= end - start
            skip = 0
        }
    }

    private mutating func shutIfFinished(_ socket: SimulatedSocket) {
        guard socket.isFinishing, !socket.isShut else { return }
        socket.isShut = true
        if let handle = socket.handle { pending.append(.finished(handle)) }
        guard let peer = socket.peer else { return }
        peer.incomingEnded = true
        list(peer)
    }

    // MARK: Receiving

    private mutating func receive(_ socket: SimulatedSocket, into batch: inout CompletionBatch) {
        guard let handle = socket.handle, !socket.hasEnded else { return }
        var budget = options.maxReceiveBytesPerTurn
        while budget > 0, !socket.incoming.isEmpty {
            guard !random.chance(options.simulatedFaults.bufferExhaustion), let buffer = pool.take() else { break }
            var count = min(socket.incoming.count, pool.slotBytes)
            let isShort = count > 1 && random.chance(options.simulatedFaults.shortReceives)
            if isShort { count = random.part(of: count) }
            count = unsafe socket.incoming.move(count, to: pool.address(buffer))
            batch.items.append(.received(handle, buffer: buffer, start: 0, count: count))
            budget -= count
            if isShort { break }
        }
        if let peer = socket.peer, peer.sending != nil { list(peer) }
        guard socket.incoming.isEmpty else { return list(socket) }
        if socket.incomingError != 0 {
            fail(socket, socket.incomingError)
        } else if socket.incomingEnded {
            socket.hasEnded = true
            batch.items.append(.ended(handle))
        }
    }

    // MARK: Ends

    /// Reports a broken connection once; the owner closes it.
    mutating func fail(_ socket: SimulatedSocket, _ number: Int32) {
        guard !socket.hasFailed else { return }
        socket.hasFailed = true
        socket.isConnecting = false
        socket.sending = nil
        if let handle = socket.handle { pending.append(.failed(handle, errno: number)) }
    }

    /// Tells an end that the other one is gone, with an error behind what had arrived.
    mutating func breakOff(_ socket: SimulatedSocket, _ number: Int32) {
        socket.incomingError = number
        socket.peer = nil
        list(socket)
    }

    /// One end closes: the other sees the end of the stream, or a reset where bytes were left unreceived (RFC 1122,
    /// 4.2.2.13).
    mutating func hangUp(_ socket: SimulatedSocket) {
        guard let peer = socket.peer else { return }
        socket.peer = nil
        guard socket.incoming.isEmpty else { return breakOff(peer, ECONNRESET) }
        peer.incomingEnded = true
        peer.peer = nil
        list(peer)
    }
}
