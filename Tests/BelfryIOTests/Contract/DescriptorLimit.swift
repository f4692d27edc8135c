// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// This process's limit of open descriptors, and how near it is.
enum DescriptorLimit {
    /// Allows as many as the hard limit does.
    static func raise() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 65_536)
        _ = unsafe setrlimit(resource, &limit)
    }

    /// Allows no more than `count` descriptors, in a process of one's own only.
    static func lower(to count: Int) {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, UInt(count))
        _ = unsafe setrlimit(resource, &limit)
    }

    /// Opens descriptors until there are none left; whoever gets them closes them.
    static func exhaust() -> [Int32] {
        var ballast: [Int32] = []
        while true {
            let number = dup(2)
            guard number >= 0 else { return ballast }
            ballast.append(number)
        }
    }

    /// Descriptors that are open now, without the clocks that the concurrency runtime opens when it likes.
    static func openCount() -> Int {
        let folder = "/proc/self/fd/"
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return numbers.count { number in
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: folder + number) else {
                return false
            }
            return !target.contains("timerfd")
        }
    }
}
