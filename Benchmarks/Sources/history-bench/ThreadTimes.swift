// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import Foundation

/// CPU of this process's threads, from `schedstat`.
struct ThreadTimes {
    private var times: [Int: Int64] = [:]

    /// As it is now.
    init() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        for thread in names.compactMap(Int.init) {
            let text = try? String(contentsOfFile: "/proc/self/task/\(thread)/schedstat", encoding: .utf8)
            if let used = text?.split(separator: " ").first.flatMap({ Int64($0) }) { times[thread] = used }
        }
    }

    /// Seconds used since another moment by the threads `ids`.
    func seconds(of ids: Set<Int>, since start: ThreadTimes) -> Double {
        Double(ids.reduce(0) { $0 + (times[$1] ?? 0) - (start.times[$1] ?? 0) }) / 1e9
    }

    /// Seconds used since another moment by all.
    func seconds(since start: ThreadTimes) -> Double { seconds(of: Set(times.keys), since: start) }
}

extension Room {
    /// The kernel's number of the loop's thread.
    func thread() -> Int {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
        return link?.split(separator: "/").last.flatMap { Int($0) } ?? 0
    }
}
