// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// Lays a batch out as the kernel's I/O vector.
enum SegmentVector {
    /// Segments that one system call carries; the rest of a longer batch follows with the next.
    static let maxCount = 64

    /// Fills `vector` with what is left of a batch after `skipping` bytes; returns the entries used.
    static func fill(_ vector: UnsafeMutableBufferPointer<iovec>, _ batch: SendBatch, skipping: Int) -> Int {
        var used = 0
        var skip = skipping
        for index in 0...batch.rest.count where used < maxCount {
            let segment = index == 0 ? batch.first : batch.rest[index - 1]
            guard skip < segment.count else {
                skip -= segment.count
                continue
            }
            let start = unsafe segment.chunk.address(segment.start + skip)
            unsafe vector[used] = unsafe iovec(iov_base: start, iov_len: segment.count - skip)
            used += 1
            skip = 0
        }
        return used
    }
}
