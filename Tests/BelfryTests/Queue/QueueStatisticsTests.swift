// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import Testing

@Suite(.timeLimit(.minutes(3)))
struct QueueStatisticsTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let policy: OverflowPolicy
        let causes: [String: UInt64]
        let lost: UInt64
        var testDescription: String { "\(policy)" }
    }

    /// Of "a", "b", "c", a text that is too long and one after the end, with room for two.
    static let table: [Row] = [
        Row(policy: .dropOldest, causes: ["oldest": 1, "tooLarge": 1, "closed": 1], lost: 2),
        Row(policy: .dropNewest, causes: ["newest": 1, "tooLarge": 1, "closed": 1], lost: 2),
        Row(policy: .latestPerKey, causes: ["overtaken": 1, "tooLarge": 1, "closed": 1], lost: 2),
        Row(policy: .disconnect, causes: ["slow": 1, "closed": 2], lost: 1),
        Row(policy: .suspend, causes: ["full": 1, "tooLarge": 1, "closed": 1], lost: 0),
    ]

    @Test("every loss is counted under its cause, and the gaps add up to what was lost", arguments: table)
    func causes(_ row: Row) async throws {
        let queue = Queue<String>(.init(limit: 2, maxBytes: 8, size: { $0.utf8.count }, policy: row.policy))
        for text in ["a", "b", "c", "much too long"] { queue.send(text) }
        queue.close()
        queue.send("late")
        #expect(Self.causes(queue.statistics) == row.causes)
        #expect(queue.statistics.lost == row.lost)
        #expect(queue.statistics.refused == row.causes.filter { Self.refusals.contains($0.key) }.values.reduce(0, +))
        var missing: UInt64 = 0
        do {
            for try await case .gap(let from, let to) in queue { missing += to - from }
        } catch {
            #expect(error.code == .slowConsumer)
        }
        #expect(missing == row.lost)
        let statistics = queue.statistics
        #expect(statistics.delivered == 2)
        #expect(statistics.offered == 2 + row.lost)
        #expect(statistics.lost == row.lost)
    }

    private static let refusals = ["tooLarge", "closed", "slow", "full"]

    private static func causes(_ statistics: QueueStatistics) -> [String: UInt64] {
        [
            "oldest": statistics.droppedOldest, "newest": statistics.droppedNewest,
            "overtaken": statistics.overtaken, "expired": statistics.expired,
            "tooLarge": statistics.refusedTooLarge, "closed": statistics.refusedClosed,
            "slow": statistics.refusedSlowConsumer, "full": statistics.refusedFull,
        ].filter { $0.value > 0 }
    }

    @Test("the high-water marks stay when the queue has been emptied")
    func peaks() async throws {
        let queue = Queue<String>(.init(limit: 10, maxBytes: 100, size: { $0.utf8.count }))
        for text in ["one", "three", "seven"] { queue.send(text) }
        var iterator = queue.makeAsyncIterator()
        for _ in 0..<3 { _ = try await iterator.next() }
        queue.send("x")
        let statistics = queue.statistics
        #expect(statistics.currentCount == 1)
        #expect(statistics.currentBytes == 1)
        #expect(statistics.peakCount == 3)
        #expect(statistics.peakBytes == 13)
    }

    @Test("what expires gives its bytes back, lets producers in, and is told, whatever the policy")
    func expiry() async throws {
        for policy in OverflowPolicy.allCases {
            let clock = QueueTests.ManualClock()
            let queue = Queue<String>(
                .init(
                    maxBytes: 4,
                    size: { $0.utf8.count },
                    timeToLive: .seconds(50),
                    policy: policy,
                    now: { clock.now }
                )
            )
            #expect(queue.send("four") == .accepted)
            clock.advance(by: .seconds(50) - .nanoseconds(1))
            queue.removeExpired()
            #expect(queue.statistics.currentBytes == 4)
            clock.advance(by: .nanoseconds(1))
            #expect(queue.send("more") == .accepted)
            #expect(queue.statistics.currentBytes == 4)
            #expect(queue.statistics.expired == 1)
            #expect(queue.statistics.lost == 1)
            var iterator = queue.makeAsyncIterator()
            #expect(try await iterator.next() == .gap(from: 0, to: 1))
            #expect(try await iterator.next() == .element("more"))
        }
    }
}
