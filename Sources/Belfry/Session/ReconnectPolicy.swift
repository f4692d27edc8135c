// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// How long a client waits before it tries to come back: doubling pauses, with jitter so that clients spread out.
///
/// The pauses of a policy without jitter are `firstPause`, twice that, four times that …, up to `maxPause`.
public struct ReconnectPolicy: Sendable, Hashable {
    /// The pause before the first attempt.
    public var firstPause = Duration.milliseconds(100)
    /// No pause is longer.
    public var maxPause = Duration.seconds(15)
    /// The share of a pause that is drawn by lot: 0 for none, 1 for a pause anywhere between nothing and the whole.
    public var jitter = 0.5
    /// Attempts after which the client gives up; nil for never.
    public var maxAttempts: Int?

    /// Makes a policy with the defaults stated above.
    public init() {}

    /// The pause before an attempt.
    ///
    /// - Parameters:
    ///   - attempt: 0 for the first.
    ///   - generator: Draws the jitter.
    /// - Returns: nil when the client is to give up.
    public func pause(before attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration? {
        if let maxAttempts, attempt >= maxAttempts { return nil }
        // 2^40 times any pause is past every maximum that makes sense, and far from an overflow.
        let doubled = firstPause * (1 << min(max(attempt, 0), 40))
        let whole = min(doubled, maxPause)
        let share = min(max(jitter, 0), 1)
        guard share > 0 else { return whole }
        return whole * (1 - share) + whole * (share * Double.random(in: 0...1, using: &generator))
    }
}
