// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Foundation

/// What the kernel knows about the server's process.
struct ServerProcess {
    let id: Int

    /// What `schedstat` says of a process, in nanoseconds.
    struct Schedule {
        /// CPU used.
        var cpu: Int64 = 0
        /// Time ready to run, with something else running.
        var wait: Int64 = 0
    }

    /// The load generator itself.
    static let own = ServerProcess(id: Int(getpid()))

    /// CPU and waiting of all its threads: the first two fields of each `schedstat`.
    func schedule() throws -> Schedule {
        var sum = Schedule()
        for thread in try threads() {
            guard let text = try? String(contentsOfFile: "/proc/\(id)/task/\(thread)/schedstat", encoding: .utf8) else {
                continue
            }
            let fields = text.split(separator: " ").compactMap { Int64($0) }
            guard fields.count >= 2 else { continue }
            sum.cpu += fields[0]
            sum.wait += fields[1]
        }
        return sum
    }

    /// Its resident memory in bytes: `Rss` of `smaps_rollup`, which is exact where `statm` is batched per core.
    func residentBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(id)/smaps_rollup", encoding: .utf8)
        for line in text.split(separator: "\n") where line.hasPrefix("Rss:") {
            if let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) {
                return kibibytes * 1_024
            }
        }
        throw LoadError("no Rss in /proc/\(id)/smaps_rollup")
    }

    /// The most memory it ever had resident, in bytes: `VmHWM`.
    func peakResidentBytes() -> Int? { status("/proc/\(id)/status", "VmHWM:").map { $0 * 1_024 } }

    /// How often its threads have gone to sleep by themselves.
    func voluntarySwitches() throws -> Int {
        try threads().reduce(0) { $0 + (status("/proc/\(id)/task/\($1)/status", "voluntary_ctxt_switches:") ?? 0) }
    }

    private func status(_ path: String, _ key: String) -> Int? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix(key) }
        return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
    }

    /// The kernel's IDs of its threads.
    func threads() throws -> [Int] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/task").compactMap { Int($0) }
        } catch {
            throw LoadError("there is no process \(id)")
        }
    }
}
