// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Synchronization

/// Counts the bytes that frame chunks hold, over all loops.
package final class MemoryMeter: Sendable {
    private let count = Atomic<Int>(0)

    /// Starts at zero.
    package init() {}

    /// The bytes held now.
    package var bytes: Int { count.load(ordering: .relaxed) }

    func add(_ bytes: Int) { count.add(bytes, ordering: .relaxed) }
}

/// The memory of the whole process.
package enum ProcessMemory {
    /// Gives pages that the allocator keeps for later back to the kernel; takes milliseconds where there is much.
    package static func giveBack() { clinux_trim() }
}
