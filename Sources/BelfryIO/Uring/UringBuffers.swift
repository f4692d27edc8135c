// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

#if Uring
import CLiburing
import CLinux
import Glibc

/// The ring through which a pool's slots are lent to the kernel.
@safe final class UringBuffers {
    /// The ring's size: a power of two, at least the pool's slots.
    let entries: Int
    let block: UnsafeMutableRawPointer
    private let pool: BufferPool
    /// Whether the kernel fills a slot piece by piece, with what several receives bring.
    var areShared = false
    /// Slots that the kernel is to have, if they are shared: few, as they are filled in turn and should stay in the
    /// processor's caches; more while that is not enough.
    private var wanted = 2
    /// How often slots were filled up and others took their place since they were wanting, or since fewer were last tried.
    private var quietRounds = 0
    /// Slots put into the ring so far.
    private var added = 0

    init(_ pool: BufferPool) throws(IOError) {
        var entries = 1
        while entries < pool.slotCount { entries *= 2 }
        guard let block = unsafe clinux_reserve(entries * MemoryLayout<io_uring_buf>.stride) else {
            throw IOError(errno: errno, "reserve the ring of receive buffers")
        }
        unsafe self.block = block
        self.entries = entries
        self.pool = pool
    }

    deinit { unsafe clinux_release(block, entries * MemoryLayout<io_uring_buf>.stride) }

    /// Whether there are slots for more receives in the same turn, without taking them all.
    var areEnough: Bool { !pool.isExhausted || pool.lent * 2 > pool.slotCount }

    /// Notes that a receive found no slot.
    func noteShortage() {
        wanted = min(wanted * 2, pool.slotCount)
        quietRounds = 0
    }

    /// Has the kernel start anew in the slot it is at, between turns, when nobody leases what is in it.
    ///
    /// So small messages always come to the same few bytes, which are in the processor's caches, and a burst is hardly ever
    /// cut by a slot's end. The kernel keeps its place in the ring's entry itself and looks there anew with each receive;
    /// as it works only while this thread has entered it (`IORING_SETUP_DEFER_TASKRUN`), it is not looking now.
    func rewind() {
        guard areShared, pool.lent > 0 else { return }
        let slots = unsafe block.assumingMemoryBound(to: io_uring_buf.self)
        // In the ring stand those that the kernel has, up to the last one that was added.
        let index = (added &- pool.lent) & (entries &- 1)
        let id = unsafe slots[index].bid
        guard pool.rewind(id) else { return }
        unsafe slots[index].addr = UInt64(UInt(bitPattern: pool.address(id)))
        unsafe slots[index].len = UInt32(pool.slotBytes)
    }

    /// Puts free slots into the ring and shows them to the kernel with one store.
    func returnSlots() {
        let count = areShared ? wanted : pool.slotCount
        guard !pool.isExhausted, pool.lent < count else { return }
        quietRounds += 1
        if quietRounds > 4096 {
            wanted = max(2, wanted / 2)
            quietRounds = 0
        }
        let ring = unsafe block.assumingMemoryBound(to: io_uring_buf_ring.self)
        let length = UInt32(pool.slotBytes)
        var new: Int32 = 0
        pool.handOver(upTo: count) { id in
            unsafe io_uring_buf_ring_add(ring, pool.address(id), length, id, Int32(entries - 1), new)
            new += 1
        }
        unsafe io_uring_buf_ring_advance(ring, new)
        added &+= Int(new)
    }
}
#endif
