// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Testing

@testable import BelfryIO

#if Uring
/// An io_uring backend that listens, with what it reported so far.
final class UringRig {
    var backend: UringBackend
    let listener: IOHandle
    let address: SocketAddress
    /// Bytes received, by handle.
    var received: [IOHandle: [UInt8]] = [:]
    /// Where in their buffers they lay.
    var starts: [Int] = []
    /// What else was reported, in order, in words.
    var events: [String] = []
    var accepted: [IOHandle] = []

    init(_ options: IOOptions = IOOptions(), completionsPerEntry: Int = 8, sharesBuffers: Bool = true) throws {
        var backend = try UringBackend(
            options,
            completionsPerEntry: completionsPerEntry,
            sharesBuffers: sharesBuffers && UringRig.canShareBuffers
        )
        listener = try backend.listen(on: .loopback(port: 0), backlog: 1024)
        let bound = backend.localAddress(of: listener)
        address = try #require(bound)
        backend.arm(.accept, on: listener)
        self.backend = backend
    }

    /// Whether this kernel fills receive buffers piece by piece.
    static let canShareBuffers =
        (try? UringBackend.probe().get())?.features.contains("shared receive buffers") ?? false

    /// One turn; waits five seconds at most, or not at all.
    func turn(waits: Bool = true) throws {
        var batch = CompletionBatch()
        try backend.harvest(into: &batch, until: waits ? backend.now + 5_000_000_000 : 0)
        for item in batch.items {
            switch item {
            case .received(let handle, let buffer, let start, let count):
                let lease = BufferLease(pool: backend.pool, id: buffer, start: start, count: count)
                starts.append(start)
                lease.withBytes { bytes in
                    for index in bytes.indices { received[handle, default: []].append(bytes[index]) }
                }
            case .accepted(_, let connection): accepted.append(connection)
            case .receivedDatagram(_, let buffer, let count, _):
                _ = BufferLease(pool: backend.datagramPool, id: buffer, count: count)
                events.append("datagram \(count)")
            case .starved: events.append("starved")
            case .finished: events.append("finished")
            case .ended: events.append("ended")
            case .writable: events.append("writable")
            case .connected: events.append("connected")
            case .failed(_, let number): events.append("failed \(systemMessage(number))")
            case .closed: events.append("closed")
            }
        }
    }

    /// Turns until `isDone`; gives up after many.
    func turn(until isDone: (UringRig) -> Bool) throws {
        var turns = 0
        while !isDone(self) {
            turns += 1
            try #require(turns < 20_000, "nothing came of it")
            try turn()
        }
    }

    func send(_ chunks: [FrameChunk], on handle: IOHandle) -> SendAdmission {
        let segments = chunks.map { Segment($0, 0, $0.byteCount) }
        return backend.send(SendBatch(segments[0], rest: Array(segments.dropFirst())), on: handle)
    }

    var openHandles: Int { backend.openHandles }
    var kernelEntries: UInt64 { backend.kernelEntries }
    var leased: Int { backend.pool.leased + backend.datagramPool.leased }

    /// Connects peers and accepts them.
    func connectPeers(_ count: Int) throws -> [TestPeer] {
        let peers = try (0..<count).map { _ in try TestPeer(address) }
        try turn { $0.accepted.count == count }
        return peers
    }

    /// Connects a peer and accepts it.
    func connectPeer() throws -> (peer: TestPeer, handle: IOHandle) {
        let peer = try TestPeer(address)
        let before = accepted.count
        try turn { $0.accepted.count > before }
        return (peer, accepted[before])
    }
}

/// The other end of a connection: a plain blocking socket.
final class TestPeer {
    let descriptor: Int32

    init(_ address: SocketAddress) throws {
        let (storage, length) = try address.storage()
        var target = storage
        descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue), 0)
        let answer = unsafe clinux_connect(descriptor, &target, length)
        try #require(answer == 0)
    }

    deinit { _ = close(descriptor) }

    func send(_ bytes: [UInt8]) -> Int { unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// What is there, at most `count` bytes; nil when nothing is, empty at the end of the stream.
    func receive(_ count: Int, waits: Bool = false) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = unsafe recv(descriptor, &bytes, count, waits ? 0 : Int32(MSG_DONTWAIT))
        return got < 0 ? nil : Array(bytes.prefix(got))
    }
}

/// A chunk of one frame.
func testChunk(_ bytes: [UInt8]) -> FrameChunk {
    let chunk = FrameChunk(capacity: bytes.count, firstOffset: 0)
    _ = chunk.append(bytes.span)
    return chunk
}
#endif
