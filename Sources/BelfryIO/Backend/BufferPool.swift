// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// The loop's receive memory: equal slots, leased for the length of one dispatch.
///
/// Untouched slots cost address space only: the block comes straight from the kernel and free slots are reused last
/// in, first out. io_uring puts what several receives bring into one slot, behind each other; then several leases hold
/// it. Loop-confined.
@safe final class BufferPool {
    let slotBytes: Int
    let slotCount: Int
    private let base: UnsafeMutableRawPointer
    private var vacant: [UInt16]
    /// Who still holds each slot: leases, and the kernel as long as it may fill the rest.
    private var holders: [UInt16]
    /// Where in each slot the kernel goes on.
    private var filled: [Int32]
    /// Slots that the kernel has.
    private(set) var lent = 0
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
        holders = Array(repeating: 0, count: self.slotCount)
        filled = Array(repeating: 0, count: self.slotCount)
    }

    deinit { unsafe clinux_release(base, slotBytes * slotCount) }

    var isExhausted: Bool { vacant.isEmpty }

    /// Takes a slot out; nil when all are leased.
    func take() -> UInt16? {
        guard let id = vacant.popLast() else { return nil }
        leased += 1
        holders[Int(id)] = 1
        return id
    }

    /// Lends free slots to the kernel until it has so many, naming each to `body`; those that came back last go first.
    func handOver(upTo count: Int, _ body: (UInt16) -> Void) {
        while lent < count, let id = vacant.popLast() {
            lent += 1
            holders[Int(id)] = 1
            filled[Int(id)] = 0
            body(id)
        }
    }

    /// Counts a lease of bytes that the kernel put into a slot it has.
    ///
    /// - Parameter isDone: Whether the kernel has let go of the slot.
    /// - Returns: Where in the slot they begin.
    func noteFilled(_ id: UInt16, count: Int, isDone: Bool) -> Int {
        let slot = Int(id)
        let start = Int(filled[slot])
        filled[slot] += Int32(count)
        leased += 1
        if isDone {
            // The lease takes the kernel's place among the holders.
            lent -= 1
        } else {
            holders[slot] += 1
        }
        return start
    }

    /// Lets the kernel's next bytes go to the start of a slot that it has and nobody leases; false where nothing changes.
    func rewind(_ id: UInt16) -> Bool {
        guard holders[Int(id)] == 1, filled[Int(id)] > 0 else { return false }
        filled[Int(id)] = 0
        return true
    }

    /// Ends a lease.
    func giveBack(_ id: UInt16) {
        leased -= 1
        holders[Int(id)] -= 1
        if holders[Int(id)] == 0 { vacant.append(id) }
    }

    func address(_ id: UInt16) -> UnsafeMutableRawPointer { unsafe base + Int(id) * slotBytes }
}

/// Received bytes, lent until the lease ends; the slot then returns to its pool.
struct BufferLease: ~Copyable {
    private let pool: BufferPool
    private let id: UInt16
    private let start: Int
    private let count: Int

    init(pool: BufferPool, id: UInt16, start: Int = 0, count: Int) {
        self.pool = pool
        self.id = id
        self.start = min(start, pool.slotBytes)
        self.count = min(count, pool.slotBytes - self.start)
    }

    deinit { pool.giveBack(id) }

    /// Lends the received bytes to `body`.
    borrowing func withBytes(_ body: (Span<UInt8>) -> Void) {
        let bytes = unsafe (pool.address(id) + start).assumingMemoryBound(to: UInt8.self)
        unsafe body(UnsafeBufferPointer(start: bytes, count: count).span)
    }
}
