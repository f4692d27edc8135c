// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Dispatch
import Testing

@Suite(.timeLimit(.minutes(3)))
struct ParkerTests {
    /// Runs its jobs on one queue of its own, and knows when it is there.
    final class QueueExecutor: TaskExecutor {
        private static let key = DispatchSpecificKey<ObjectIdentifier>()
        private let queue = DispatchQueue(label: "parker test")

        init() { queue.setSpecific(key: Self.key, value: ObjectIdentifier(self)) }

        var isCurrent: Bool { DispatchQueue.getSpecific(key: Self.key) == ObjectIdentifier(self) }

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.async { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }

    func untilWaiting<Value>(_ parker: Parker<Value>) async {
        while !parker.hasWaiter { await Task.yield() }
    }

    @Test("a wake before the wait is kept, once")
    func permit() async {
        let parker = Parker<Int>()
        #expect(parker.unpark(7) == .kept)
        #expect(await parker.park() == .value(7))
        #expect(parker.unpark(8) == .kept)
        #expect(await parker.park() == .value(8))
    }

    @Test("of two wakes before the wait the newer one counts")
    func coalescing() async {
        let parker = Parker<Int>()
        #expect(parker.unpark(1) == .kept)
        #expect(parker.unpark(2) == .replaced)
        #expect(await parker.park() == .value(2))
        #expect(parker.unpark(3) == .kept)
    }

    @Test("a wait ends with the value of the wake")
    func wake() async {
        let parker = Parker<String>()
        let task = Task { await parker.park() }
        await untilWaiting(parker)
        #expect(parker.unpark("up") == .resumed)
        #expect(await task.value == .value("up"))
        #expect(!parker.hasWaiter)
    }

    @Test("a cancelled task doesn't wait and leaves the permit alone")
    func cancelledBefore() async {
        let parker = Parker<Int>()
        parker.unpark(5)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return await parker.park()
        }
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(await parker.park() == .value(5))
    }

    @Test("a cancellation ends the wait, and the next wait is a fresh one")
    func cancelledDuring() async {
        let parker = Parker<Int>()
        let first = Task { await parker.park() }
        await untilWaiting(parker)
        first.cancel()
        #expect(await first.value == .cancelled)
        let second = Task { await parker.park() }
        await untilWaiting(parker)
        first.cancel()
        #expect(parker.unpark(1) == .resumed)
        #expect(await second.value == .value(1))
    }

    @Test("wake and cancellation at once: the wait ends, and no value is lost")
    func race() async {
        for round in 0..<1_000 {
            let parker = Parker<Int>()
            let waiter = Task { await parker.park() }
            if round % 2 == 0 { await untilWaiting(parker) }
            let waker = Task { parker.unpark(round) }
            let canceller = Task { waiter.cancel() }
            let result = await waiter.value
            _ = await waker.value
            await canceller.value
            switch result {
            case .value(let value): #expect(value == round)
            case .cancelled: #expect(await parker.park() == .value(round))
            }
            #expect(parker.unpark(0) == .kept)
        }
    }

    @Test("two tasks pass a number to and fro")
    func pingPong() async {
        let there = Parker<Int>()
        let back = Parker<Int>()
        let echo = Task {
            while case .value(let number) = await there.park(), number >= 0 { back.unpark(number + 1) }
        }
        var number = 0
        for _ in 0..<2_000 {
            there.unpark(number)
            guard case .value(let answer) = await back.park() else { break }
            number = answer
        }
        there.unpark(-1)
        await echo.value
        #expect(number == 2_000)
    }

    @Test("a task that prefers an executor resumes there, whoever wakes or cancels it", arguments: [false, true])
    func executor(cancelling: Bool) async {
        let parker = Parker<Int>()
        let executor = QueueExecutor()
        let task = Task(executorPreference: executor) {
            let before = executor.isCurrent
            let result = await parker.park()
            return (before, result, executor.isCurrent)
        }
        await untilWaiting(parker)
        if cancelling { task.cancel() } else { parker.unpark(1) }
        let (before, result, after) = await task.value
        #expect(before)
        #expect(result == (cancelling ? .cancelled : .value(1)))
        #expect(after)
    }

    @Test("a second waiter stops the process")
    func doubleWait() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let parker = Parker<Int>()
            await withTaskGroup { group in
                group.addTask { _ = await parker.park() }
                group.addTask { _ = await parker.park() }
                await group.waitForAll()
            }
        }
        let output = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(output.contains("a second task parks while one is waiting"))
    }
}
