// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Foundation

/// Counts a process's system calls: the tracepoint `perf stat -e raw_syscalls:sys_enter` counts, by the same call.
///
/// Counting starts with `init` and slows the process down, so it is done in a pass of its own.
final class KernelEntryCounter {
    private var counters: [CInt] = []

    /// Nothing if the kernel does not offer the tracepoint or not to this user.
    init?(of server: ServerProcess) {
        let path = "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id"
        if !FileManager.default.fileExists(atPath: path) { cload_mount_tracefs() }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
            let id = UInt64(text.trimmingCharacters(in: .whitespacesAndNewlines)),
            let threads = try? server.threads()
        else { return nil }
        for thread in threads {
            let counter = cload_count_tracepoint(CInt(thread), id)
            guard counter >= 0 else { return nil }
            counters.append(counter)
        }
    }

    deinit {
        for counter in counters { close(counter) }
    }

    /// Entries so far, of all threads.
    var entries: Int {
        counters.reduce(0) { sum, counter in
            var value: UInt64 = 0
            return read(counter, &value, 8) == 8 ? sum + Int(clamping: value) : sum
        }
    }
}
