// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryMissionCommander
import Testing

@Suite("Pauses of clients that come back", .timeLimit(.minutes(3)))
struct ReconnectPausesTests {
    /// When each of 200 clients is back, in seconds after all lost their server, which is back after `outage`.
    private func returns(after outage: Duration) throws -> [Duration] {
        let pauses = ReconnectPauses(ReconnectPolicy(), spread: Client.Configuration().reconnectSpread)
        return try (0..<200 as Range<UInt64>).map { client in
            var random = SplitMix64(seed: 1_000 + client)
            var moment = Duration.zero
            var attempt = 0
            repeat {
                moment += try #require(pauses.pause(before: attempt, using: &random))
                attempt += 1
            } while moment < outage
            return moment
        }.sorted()
    }

    @Test(
        "of 200 clients no two thirds come back within the same 100 ms, all within 10 s",
        arguments: [0, 20, 50, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 4_000]
    )
    func spread(_ outage: Int) throws {
        let returns = try returns(after: .milliseconds(outage))
        #expect(returns[199] < .milliseconds(outage) + .seconds(10))
        for (index, first) in returns.enumerated() {
            let together = returns[index...].prefix { $0 < first + .milliseconds(100) }.count
            #expect(together * 3 < 200 * 2, "\(together) from \(first) on")
        }
    }

    @Test("only the first pause has the spread added")
    func first() {
        var policy = ReconnectPolicy()
        policy.jitter = 0
        policy.maxAttempts = 3
        let pauses = ReconnectPauses(policy, spread: .milliseconds(300))
        var random = SplitMix64(seed: 3)
        let firsts = (0..<100).compactMap { _ in pauses.pause(before: 0, using: &random) }
        #expect(firsts.count == 100 && firsts.allSatisfy { $0 >= .milliseconds(100) && $0 <= .milliseconds(400) })
        #expect(firsts.contains { $0 < .milliseconds(150) } && firsts.contains { $0 > .milliseconds(350) })
        #expect(pauses.pause(before: 1, using: &random) == .milliseconds(200))
        #expect(pauses.pause(before: 3, using: &random) == nil)
        #expect(ReconnectPauses(policy, spread: .seconds(-1)).pause(before: 0, using: &random) == .milliseconds(100))
    }
}
