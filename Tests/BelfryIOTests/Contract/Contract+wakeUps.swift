// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryTesting
import Dispatch
import Foundation
import Testing

@testable import BelfryIO

extension BackendContract {
    @Suite("wake-ups") struct WakeUps {
        @Test("tasks from 8 threads run once each, in the order of their thread", arguments: BackendKind.allCases)
        func threads(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let loop = bench.loop
                let tally = loop.local { Tally() }
                for thread in 0..<8 {
                    Thread.detachNewThread {
                        for number in 0..<1000 { loop.execute { loop.local { Tally() }.ran[thread].append(number) } }
                    }
                }
                try await bench.until("8,000 tasks") { tally.ran.allSatisfy { $0.count >= 1000 } }
                try await bench.turn()
                for ran in tally.ran { #expect(ran == Array(0..<1000)) }
            }
        }

        @Test("a loop that is awake is not woken", arguments: BackendKind.allCases)
        func economy(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let loop = bench.loop
                let tally = loop.local { Tally() }
                let gate = DispatchSemaphore(value: 0)
                let before = loop.statistics
                // One task holds the loop until all threads have left their work.
                loop.execute { gate.wait() }
                let threads = DispatchGroup()
                for thread in 0..<8 {
                    threads.enter()
                    Thread.detachNewThread {
                        for number in 0..<100 { loop.execute { loop.local { Tally() }.ran[thread].append(number) } }
                        threads.leave()
                    }
                }
                threads.notify(queue: .global()) { gate.signal() }
                try await bench.until("800 tasks") { tally.ran.allSatisfy { $0.count == 100 } }
                let after = loop.statistics
                #expect(after.turns - before.turns <= 4)
                #expect(after.kernelEntries - before.kernelEntries <= 8)
            }
        }

        @Test("a loop that sleeps enters the kernel no more than it is woken", arguments: BackendKind.allCases)
        func sleeping(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let loop = bench.loop
                let before = loop.statistics
                for _ in 0..<50 { await pong(loop) }
                let after = loop.statistics
                // A way to another thread and back wakes the loop once: one wait and one look at the waker.
                #expect(after.turns - before.turns <= 110)
                #expect(after.kernelEntries - before.kernelEntries <= 220)
            }
        }

        @Test("a wake that comes before the wait ends it", arguments: BackendKind.allCases)
        func earlyWake(_ backend: BackendKind) throws {
            try require(backend)
            switch backend {
            case .epoll: try Self.harvestWoken(EpollBackend(IOOptions()))
            case .uring:
                #if Uring
                try Self.harvestWoken(UringBackend(IOOptions()))
                #endif
            case .simulated: try Self.harvestWoken(SimulatedBackend(IOOptions()))
            }
        }

        private static func harvestWoken<Backend: IOBackend & ~Copyable>(_ made: consuming Backend) throws {
            var backend = made
            var batch = CompletionBatch()
            let hour: Nanoseconds = 3_600_000_000_000
            for _ in 0..<3 {
                let start = backend.now
                backend.waker.wake()
                try backend.harvest(into: &batch, until: start + hour)
                #expect(backend.now - start < hour)
            }
        }

        @concurrent private func pong(_ loop: EventLoop) async { #expect(!loop.isCurrent) }
    }
}

/// What ran, by thread; loop-confined.
private final class Tally {
    var ran = [[Int]](repeating: [], count: 8)
}
