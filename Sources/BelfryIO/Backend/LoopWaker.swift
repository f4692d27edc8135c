// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// Wakes a loop that waits in `harvest`, from any thread.
///
/// One eventfd for both kernels' backends; the simulated one waits on it with poll(2) as well, so there is one waker.
// Safe because the only state is a descriptor number that never changes, and write(2) on an eventfd is atomic.
final class LoopWaker: @unchecked Sendable {
    let descriptor: Int32

    init() throws(IOError) {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        guard descriptor >= 0 else { throw IOError(errno: errno, "make an eventfd") }
    }

    deinit { _ = close(descriptor) }

    /// Ends the current or the next wait.
    ///
    /// Costs one system call: callers ask first whether the loop sleeps.
    func wake() {
        var one: UInt64 = 1
        _ = unsafe write(descriptor, &one, 8)
    }

    /// Resets the counter.
    ///
    /// Loop only.
    func drain() {
        var count: UInt64 = 0
        _ = unsafe read(descriptor, &count, 8)
    }
}
