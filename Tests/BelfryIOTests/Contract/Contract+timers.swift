// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

extension BackendContract {
    @Suite("timers") struct Timers {
        @Test("10,000 timers strike in order, none early, none that was cancelled", arguments: BackendKind.allCases)
        func many(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let loop = bench.loop
                var random = SplitMix64(seed: 42)
                var timers: [TimerID?] = []
                // The deadline lies between what the clock showed before and after the timer was set.
                var bounds: [(earliest: Int64, latest: Int64)] = []
                var struck: [Int] = []
                var early = 0
                for index in 0..<10_000 {
                    let delay = Duration.microseconds(Int64.random(in: 0...50_000, using: &random))
                    let before = loop.nowNanoseconds
                    timers.append(
                        loop.schedule(after: delay) {
                            struck.append(index)
                            if loop.nowNanoseconds < bounds[index].earliest { early += 1 }
                        }
                    )
                    bounds.append((before + delay.nanoseconds, loop.nowNanoseconds + delay.nanoseconds))
                }
                for index in stride(from: 0, to: 10_000, by: 2) { loop.cancel(timers[index]) }
                try await bench.until("5,000 timers") { struck.count == 5000 }
                await bench.pass(.milliseconds(60))
                #expect(struck.count == 5000)
                #expect(Set(struck).count == 5000)
                #expect(struck.allSatisfy { $0 % 2 == 1 })
                #expect(early == 0)
                var latestStart = Int64.min
                var disorder = 0
                for index in struck {
                    if latestStart > bounds[index].latest { disorder += 1 }
                    latestStart = max(latestStart, bounds[index].earliest)
                }
                #expect(disorder == 0)
            }
        }

        @Test("a timer that cancels another one of the same moment is obeyed", arguments: BackendKind.allCases)
        func cancelling(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let loop = bench.loop
                var struck: [Int] = []
                var second: TimerID?
                loop.schedule(after: .zero) {
                    struck.append(1)
                    loop.cancel(second)
                }
                second = loop.schedule(after: .zero) { struck.append(2) }
                loop.schedule(after: .zero) { struck.append(3) }
                try await bench.until("the third") { struck.contains(3) }
                #expect(struck == [1, 3])
            }
        }

        @Test("a timer that sets itself again at once does not keep sockets waiting", arguments: BackendKind.allCases)
        func restless(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                let loop = bench.loop
                var isOn = true
                func again() {
                    if isOn { loop.schedule(after: .zero) { again() } }
                }
                again()
                bench.send(.pattern(100_000), on: pair.client)
                try await bench.until("all bytes") { pair.serverSide.byteCount == 100_000 }
                isOn = false
            }
        }

        @Test("the virtual clock starts at 0 and jumps to the next deadline")
        func virtualClock() async throws {
            try await withLoop(.simulated) { bench in
                let loop = bench.loop
                #expect(loop.nowNanoseconds == 0)
                await bench.pass(.seconds(86_400))
                #expect(loop.nowNanoseconds == 86_400 * 1_000_000_000)
            }
        }
    }
}
