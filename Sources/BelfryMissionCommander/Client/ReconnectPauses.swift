// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import Belfry

/// The pauses of one client that tries to come back: those of its policy, the first one drawn out by lot.
///
/// Clients that lose their server at one moment start together. A server that is back at once would get them all within
/// the policy's first pause; the spread pulls them apart however soon it is back.
package struct ReconnectPauses: Sendable {
    private let policy: ReconnectPolicy
    private let spread: Duration

    /// Pauses of a policy.
    ///
    /// - Parameter spread: Up to this much is added to the first pause.
    package init(_ policy: ReconnectPolicy, spread: Duration) {
        self.policy = policy
        self.spread = max(spread, .zero)
    }

    /// The pause before an attempt.
    ///
    /// - Parameters:
    ///   - attempt: 0 for the first.
    ///   - generator: Draws the lots.
    /// - Returns: nil when the client is to give up.
    package func pause(before attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration? {
        guard let pause = policy.pause(before: attempt, using: &generator) else { return nil }
        guard attempt == 0, spread > .zero else { return pause }
        return pause + spread * Double.random(in: 0...1, using: &generator)
    }
}
