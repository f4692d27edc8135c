// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

/// Waits for a loop's timers, which end with the loop at the latest.
@Suite("Loop sleep", .timeLimit(.minutes(3)))
struct LoopSleepTests {
    @Test("a sleep ends after its time, on the loop and off it")
    func whole() async throws {
        let loop = try EventLoop(backend: .epoll)
        #expect(await loop.sleep(for: .milliseconds(1)))
        #expect(await loop.sleep(for: .zero))
        #expect(await Task(executorPreference: loop) { await loop.sleep(for: .milliseconds(1)) }.value)
        loop.stop()
        await loop.waitUntilStopped()
    }

    @Test("sleepers are woken, and told, when their loop stops; after that nobody sleeps")
    func stopped() async throws {
        let loop = try EventLoop(backend: .epoll)
        let inside = (0..<5).map { _ in
            Task(executorPreference: loop) { await loop.sleep(for: .seconds(3600)) }
        }
        let outside = (0..<5).map { _ in Task { await loop.sleep(for: .seconds(3600)) } }
        // A job that comes behind those of the sleepers: these are asleep.
        await Task(executorPreference: loop) {}.value
        loop.stop()
        for task in inside + outside { #expect(await !task.value) }
        await loop.waitUntilStopped()
        #expect(await !loop.sleep(for: .seconds(3600)))
        #expect(await !Task(executorPreference: loop) { await loop.sleep(for: .seconds(3600)) }.value)
    }

    @Test("who goes to sleep while the loop stops is woken too")
    func whileStopping() async throws {
        let loop = try EventLoop(backend: .epoll)
        let task = Task(executorPreference: loop) {
            var results = [await loop.sleep(for: .seconds(3600))]
            results.append(await loop.sleep(for: .seconds(3600)))
            return results
        }
        await Task(executorPreference: loop) {}.value
        loop.stop()
        #expect(await task.value == [false, false])
    }

    @Test("a cancelled sleep ends at once", arguments: [false, true])
    func cancelled(isOnLoop: Bool) async throws {
        let loop = try EventLoop(backend: .epoll)
        let task =
            isOnLoop
            ? Task(executorPreference: loop) { await loop.sleep(for: .seconds(3600)) }
            : Task { await loop.sleep(for: .seconds(3600)) }
        await Task(executorPreference: loop) {}.value
        task.cancel()
        #expect(await !task.value)
        loop.stop()
        await loop.waitUntilStopped()
    }

    @Test("at the loop's end the timers that want it are told, in their order, and the cancelled are not")
    func told() async throws {
        let loop = try EventLoop(backend: .epoll)
        let told = Marks()
        let fired = Marks()
        @Sendable func set(_ number: Int, _ delay: Duration) -> TimerID? {
            loop.schedule(
                after: delay,
                stopped: { told.add(number) },
                { fired.add(number) }
            )
        }
        await Task(executorPreference: loop) {
            _ = set(0, .seconds(7200))
            loop.cancel(set(1, .seconds(3600)))
            _ = set(2, .seconds(3600))
            loop.schedule(after: .seconds(3600)) { fired.add(3) }
            let parker = Parker<Int>()
            loop.schedule(after: .zero, waking: parker, with: 4)
            #expect(await parker.park() == .value(4))
        }.value
        loop.stop()
        await loop.waitUntilStopped()
        #expect(told.all == [0, 2])
        let late = await Task(executorPreference: loop) { set(5, .zero) }.value
        #expect(late == nil)
        #expect(told.all == [0, 2, 5])
        #expect(fired.all.isEmpty)
    }
}

/// Numbers in the order in which they came.
private final class Marks: Sendable {
    private let numbers = Lock<[Int]>([])

    var all: [Int] { numbers.withLock { $0 } }

    func add(_ number: Int) { numbers.withLock { $0.append(number) } }
}
