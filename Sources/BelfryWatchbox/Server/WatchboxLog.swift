// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Logging
import Synchronization

/// Writes log lines as the original prints them (Watchbox protocol, §5).
final class WatchboxLog: Sendable {
    private let sink: (@Sendable (String) -> Void)?
    private let logger: Logger
    private let highest: Atomic<Int>
    private let clock = Lock(Clock())

    /// The last second that was written: the calendar is asked once a second.
    private struct Clock {
        var second = Int64.min
        var text = ""
    }

    init(level: Int, _ sink: (@Sendable (String) -> Void)?, logger: Logger) {
        self.sink = sink
        self.logger = logger
        highest = Atomic(level)
    }

    /// The highest level that is logged.
    var level: Int {
        get { highest.load(ordering: .relaxed) }
        set { highest.store(newValue, ordering: .relaxed) }
    }

    /// Logs what happened, if its level is wanted; the text is made only then.
    func write(_ level: Int, _ what: @autoclosure () -> String) {
        guard let sink, level <= self.level else { return }
        sink("watchbox : level \(level) : \(now) : \(Self.printable(what()))")
    }

    /// Logs what went wrong on this side, at level 1; without who hears lines the broker's logger hears it.
    func failure(_ what: @autoclosure () -> String) {
        guard sink == nil else { return write(1, what()) }
        guard level >= 1 else { return }
        logger.error("Watchbox: \(Self.printable(what()))")
    }

    /// The local time, as `YYYY-MM-DD HH:MM:SS AM`, with 24 hours all the same.
    var now: String {
        let second = WallTime.nanoseconds() / 1_000_000_000
        return clock.withLock { clock in
            if clock.second != second {
                clock.second = second
                let text = WallTime.localText(ofSecond: second)
                let hour = Int(text.dropFirst(11).prefix(2)) ?? 0
                clock.text = text + (hour < 12 ? " AM" : " PM")
            }
            return clock.text
        }
    }

    /// On one line, and without what a terminal would obey: clients choose the names of groups.
    static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isEscaped) else { return text }
        var output = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case _ where isEscaped(scalar):
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }

    /// Controls, and the two separators of Unicode that end a line.
    private static func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
        default: false
        }
    }
}
