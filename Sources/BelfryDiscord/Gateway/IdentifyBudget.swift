// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Keeps a bot within the gateway's 1,000 identifies a day, past which Discord takes its token away: a few in a row, then
/// one in a while.
struct IdentifyBudget {
    /// Identifies in a row.
    private static let burst = 20
    /// One more after this long: 864 a day.
    private static let refill: Int64 = 100_000_000_000

    private let spacing: Int64
    private var tokens = Self.burst
    private var refilledAt: Int64?
    private var last: Int64?

    /// - Parameter spacing: Nanoseconds between two; 5 s where one may identify at a time.
    init(spacing: Int64) { self.spacing = spacing }

    /// Nanoseconds until one may identify.
    mutating func wait(now: Int64) -> Int64 {
        let start = refilledAt ?? now
        refilledAt = start
        let earned = max(0, now - start) / Self.refill
        if earned > 0 {
            tokens = Int(min(Int64(Self.burst), Int64(tokens) + earned))
            refilledAt = start + earned * Self.refill
        }
        let pause = last.map { max(0, $0 + spacing - now) } ?? 0
        guard tokens == 0 else { return pause }
        return max(pause, (refilledAt ?? now) + Self.refill - now)
    }

    /// One identifies.
    mutating func take(now: Int64) {
        _ = wait(now: now)
        if tokens == Self.burst { refilledAt = now }
        tokens = max(0, tokens - 1)
        last = now
    }
}
