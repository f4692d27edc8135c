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

    /// Puts the pool's free slots into the ring and shows them to the kernel with one store.
    func returnSlots() {
        guard !pool.isExhausted else { return }
        let ring = unsafe block.assumingMemoryBound(to: io_uring_buf_ring.self)
        let length = UInt32(pool.slotBytes)
        var count: Int32 = 0
        pool.handOver { id in
            unsafe io_uring_buf_ring_add(ring, pool.address(id), length, id, Int32(entries - 1), count)
            count += 1
        }
        unsafe io_uring_buf_ring_advance(ring, count)
    }
}
#endif
