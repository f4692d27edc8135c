// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Flood control: a token bucket, without a clock of its own.
///
/// IRC servers hold back or throw out who sends faster than they like, typically more than a line in two seconds.
struct IRCPace {
    private let interval: Duration
    /// How far the bucket may be overdrawn: what a full one has beyond one line.
    private let credit: Duration
    /// When the bucket is full again but for one line; sending a line moves it by `interval`.
    private var due: ContinuousClock.Instant?

    /// A full bucket of `burst` lines, refilled by one each `interval`.
    init(burst: Int, interval: Duration) {
        self.interval = max(.zero, interval)
        credit = self.interval * (min(max(burst, 1), 1_000_000) - 1)
    }

    /// Takes a line's token; or leaves it, and tells how long it takes to come.
    mutating func take(at now: ContinuousClock.Instant) -> Duration? {
        let due = max(self.due ?? now, now)
        let wait = now.duration(to: due) - credit
        guard wait <= .zero else { return wait }
        self.due = due + interval
        return nil
    }
}
