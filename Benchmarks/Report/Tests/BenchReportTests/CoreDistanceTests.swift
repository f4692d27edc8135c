// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import Testing

@Suite("Cores that move", .timeLimit(.minutes(1)))
struct CoreDistanceTests {
    private var distance: CoreDistance {
        var distance = CoreDistance()
        for trip in [320.0, 52, nil, 0, 330] { distance.learn(trip) }
        return distance
    }

    @Test("near is up to twice the shortest round trip, and what nobody measured")
    func near() {
        #expect(distance.least == 52)
        #expect(distance.isNear(104) && distance.isNear(nil))
        #expect(!distance.isNear(105))
        #expect(CoreDistance().isNear(300))
    }

    @Test(
        "a row counts repetitions of one distance, the shorter one if all servers have it",
        arguments: [
            ([[55, 320], [320, 60, 53]], [[0], [1, 2]]),
            ([[55, 320], [320]], [[1], [0]]),
            ([[55], [320]], [[0], [0]]),
            ([[55, 320], [], [53]], [[0], [], [0]]),
            ([[nil, nil], [nil]], [[0, 1], [0]]),
            ([], []),
        ] as [([[Double?]], [[Int]])]
    )
    func counted(row: [[Double?]], expected: [[Int]]) {
        #expect(distance.counted(row) == expected)
    }
}
