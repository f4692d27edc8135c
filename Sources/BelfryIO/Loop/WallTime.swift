// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The time of day.
package enum WallTime {
    /// Nanoseconds since 1970-01-01 UTC.
    package static func nanoseconds() -> Int64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }

    /// A second since 1970 as the local time's `YYYY-MM-DD HH:MM:SS`.
    package static func localText(ofSecond second: Int64) -> String {
        var second = time_t(second)
        var text = [CChar](repeating: 0, count: 32)
        var fields = unsafe tm()
        guard unsafe localtime_r(&second, &fields) != nil else { return "1970-01-01 00:00:00" }
        let count = unsafe strftime(&text, text.count, "%Y-%m-%d %H:%M:%S", &fields)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
