// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// The loop's receive memory: equal slots, leased for the length of one dispatch.
///
/// Untouched slots cost address space only: the block comes straight from the kernel and free slots are reused last
/// in, first out. Loop-confined.
@safe final class BufferPool {
    let slotBytes: Int
    let slotCount: Int
    private let base: UnsafeMutableRawPointer
    private var vacant: [UInt16]
    /// Leases given out and not yet returned; a test holds it at zero between turns.
    private(set) var leased = 0

    init(slotBytes: Int, slotCount: Int) throws(IOError) {
        self.slotBytes = slotBytes
        self.slotCount = min(slotCount, 32_768)
        guard let block = unsafe clinux_reserve(slotBytes * self.slotCount) else {
            throw IOError(errno: errno, "reserve receive buffers")
        }
        unsafe base = block
        vacant = (0..<UInt16(self.slotCount)).reversed()
    }

    deinit { unsafe clinux_release(base, slotBytes * slotCount) }

    var isExhausted: Bool { vacant.isEmpty }

    /// Takes a slot out; nil when all are leased.
    func take() -> UInt16? {
        guard let id = vacant.popLast() else { return nil }
        leased += 1
        return id
    }

    /// Takes all free slots out, naming each to `body`, without a copy of the list.
    func handOver(_ body: (UInt16) -> Void) {
        for id in vacant { body(id) }
        vacant.removeAll(keepingCapacity: true)
    }

    /// Counts a slot that the kernel filled as leased: it left the pool with `handOver`.
    func noteFilled() { leased += 1 }

    func giveBack(_ id: UInt16) {
        leased -= 1
        vacant.append(id)
    }

    func address(_ id: UInt16) -> UnsafeMutableRawPointer { unsafe base + Int(id) * slotBytes }
}

/// Received bytes, lent until the lease ends; the slot then returns to its pool.
struct BufferLease: ~Copyable {
    private let pool: BufferPool
    private let id: UInt16
    private let count: Int

    init(pool: BufferPool, id: UInt16, count: Int) {
        self.pool = pool
        self.id = id
        self.count = min(count, pool.slotBytes)
    }

    deinit { pool.giveBack(id) }

    /// Lends the received bytes to `body`.
    borrowing func withBytes(_ body: (Span<UInt8>) -> Void) {
        let start = unsafe pool.address(id).assumingMemoryBound(to: UInt8.self)
        unsafe body(UnsafeBufferPointer(start: start, count: count).span)
    }
}
