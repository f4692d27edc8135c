// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// When the messages of one publisher are due, whatever the server does: the open loop.
struct Pace {
    /// When the first one is due, in nanoseconds of the monotonic clock.
    var start: Int64
    /// Nanoseconds from one to the next.
    let interval: Double
    /// Messages that have gone out.
    var sent = 0

    /// When the message of that number is due.
    func time(of number: Int) -> Int64 { start + Int64(Double(number) * interval) }

    /// Messages due by then that have not gone out.
    func due(at now: Int64) -> Int {
        now < start ? 0 : max(0, Int(Double(now - start) / interval) + 1 - sent)
    }
}
