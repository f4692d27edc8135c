// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import Testing

@Suite("ReconnectPolicy", .timeLimit(.minutes(3)))
struct ReconnectPolicyTests {
    @Test("without jitter the pauses double up to the longest")
    func doubling() {
        var policy = ReconnectPolicy()
        policy.jitter = 0
        var random = SplitMix64(seed: 1)
        let pauses = (0..<10).map { policy.pause(before: $0, using: &random) }
        let expected = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 15_000, 15_000]
        #expect(pauses == expected.map { Duration.milliseconds($0) })
        #expect(policy.pause(before: .max, using: &random) == policy.maxPause)
    }

    @Test("jitter draws from the whole share")
    func jitter() throws {
        var policy = ReconnectPolicy()
        policy.firstPause = .seconds(1)
        policy.jitter = 0.5
        var random = SplitMix64(seed: 7)
        let pauses = try (0..<1_000).map { _ in try #require(policy.pause(before: 0, using: &random)) }
        #expect(pauses.allSatisfy { $0 >= .milliseconds(500) && $0 <= .seconds(1) })
        #expect(pauses.contains { $0 < .milliseconds(550) } && pauses.contains { $0 > .milliseconds(950) })
    }

    @Test("a bounded policy gives up")
    func bound() {
        var policy = ReconnectPolicy()
        policy.maxAttempts = 2
        var random = SplitMix64(seed: 1)
        #expect(policy.pause(before: 1, using: &random) != nil)
        #expect(policy.pause(before: 2, using: &random) == nil)
    }
}
