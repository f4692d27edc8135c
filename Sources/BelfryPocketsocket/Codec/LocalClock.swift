// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// Writes moments as receipts have them: local time, `YYYY-MM-DD HH:MM:SS.ffffff`, without a fraction of exactly zero.
///
/// Keeps the last second: the calendar is asked once for each.
struct LocalClock {
    private var second = Int64.min
    private var whole: [UInt8] = []

    /// The text of a moment.
    ///
    /// - Parameters:
    ///   - nanoseconds: Since 1970.
    ///   - calendar: Writes whole seconds.
    mutating func text(
        at nanoseconds: Int64,
        calendar: (Int64) -> String = WallTime.localText(ofSecond:)
    ) -> [UInt8] {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let micros = rest / 1_000
        if seconds != second {
            second = seconds
            whole = Array(calendar(seconds).utf8)
        }
        guard micros > 0 else { return whole }
        var text = whole
        text.append(UInt8(ascii: "."))
        var scale: Int64 = 100_000
        while scale > 0 {
            text.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: micros / scale % 10))
            scale /= 10
        }
        return text
    }
}
