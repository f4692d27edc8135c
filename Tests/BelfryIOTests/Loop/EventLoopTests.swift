// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Dispatch
import Foundation
import Testing

/// The event loop as an executor; its sockets and timers are in the backend contract.
@Suite("Event loop", .timeLimit(.minutes(3)))
struct EventLoopTests {
    @Test("code on the loop enters the loop's actors without a hop", arguments: BackendKind.allCases)
    func noHop(_ backend: BackendKind) async throws {
        try BackendContract.require(backend)
        try await withLoop(backend) { bench in
            let loop = bench.loop
            let counters = [Counter(loop), Counter(loop)]
            // From actor to actor, in a task that prefers the loop: neither the way there nor the way back is a job.
            let visitor = Visitor(loop)
            let (before, after) = await Task(executorPreference: loop) { await visitor.visit(counters, 1000) }.value
            #expect(after.jobs == before.jobs)
            #expect(after.turns == before.turns)
            func enter() { counters[0].assumeIsolated { _ = $0.bump() } }
            enter()
            #expect(await counters[0].count == 501)
        }
    }

    @Test("a task that prefers the loop is back on it after every await")
    func preference() async throws {
        let loop = try EventLoop(backend: .epoll)
        let elsewhere = try EventLoop(backend: .epoll)
        let offLoop = await Task(executorPreference: loop) {
            var offLoop: [String] = []
            func check(_ what: String) { if !loop.isCurrent { offLoop.append(what) } }
            check("start")
            await Task.yield()
            check("yield")
            try? await Task.sleep(for: .milliseconds(1))
            check("sleep")
            _ = await Plain().answer()
            check("a plain actor")
            _ = await Counter(elsewhere).bump()
            check("another loop's actor")
            await withCheckedContinuation { continuation in
                Thread.detachNewThread { continuation.resume() }
            }
            check("a thread")
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<10 { group.addTask(executorPreference: loop) { loop.isCurrent } }
                for await isCurrent in group where !isCurrent { offLoop.append("a child") }
            }
            check("a group")
            return offLoop
        }.value
        #expect(offLoop.isEmpty)
        for loop in [loop, elsewhere] {
            loop.stop()
            await loop.waitUntilStopped()
        }
    }

    @Test("tasks run in the order in which they were handed over", arguments: BackendKind.allCases)
    func order(_ backend: BackendKind) async throws {
        try BackendContract.require(backend)
        try await withLoop(backend) { bench in
            let loop = bench.loop
            var ran: [Int] = []
            for number in 0..<100 { loop.schedule(after: .zero) { ran.append(number) } }
            try await bench.until("100 timers") { ran.count == 100 }
            #expect(ran == Array(0..<100))
            let log = loop.local { Log() }
            for number in 0..<100 { loop.execute { loop.local { Log() }.entries.append(number) } }
            #expect(log.entries.isEmpty, "execute never runs at once")
            try await bench.until("100 tasks") { log.entries.count == 100 }
            #expect(log.entries == Array(0..<100))
        }
    }

    @Test("what is awaited after the end still finishes, one at a time")
    func afterStop() async throws {
        let loop = try EventLoop(backend: .epoll)
        let counter = Counter(loop)
        loop.stop()
        await loop.waitUntilStopped()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<500 { _ = await counter.bump() } }
                group.addTask(executorPreference: loop) { for _ in 0..<500 { _ = await counter.bump() } }
            }
        }
        #expect(await counter.count == 8000)
        #expect(await Task(executorPreference: loop) { 42 }.value == 42)
        loop.execute { Issue.record("a task ran after the end") }
    }

    @Test("jobs that are under way when the loop stops finish")
    func whileStopping() async throws {
        for _ in 0..<20 {
            let loop = try EventLoop(backend: .epoll)
            let counter = Counter(loop)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { for _ in 0..<100 { _ = await counter.bump() } } }
                group.addTask { loop.stop() }
                for _ in 0..<3 { group.addTask { await loop.waitUntilStopped() } }
            }
            #expect(await counter.count == 400)
        }
    }

    @Test("two loops hand a ball to and fro", arguments: BackendKind.allCases)
    func pingPong(_ backend: BackendKind) async throws {
        try BackendContract.require(backend)
        let loops = [try EventLoop(backend: backend), try EventLoop(backend: backend, index: 1)]
        let players = loops.map { Counter($0) }
        let total = await Task(executorPreference: loops[0]) {
            var total = 0
            for round in 0..<1000 { total += await players[round % 2].bump() }
            return total
        }.value
        #expect(total == 2 * (500 * 501) / 2)
        for loop in loops {
            loop.stop()
            await loop.waitUntilStopped()
        }
    }

    @Test("checks of the loop's context hold on it and fail elsewhere")
    func isolation() async throws {
        try await withLoop(.epoll) { bench in
            #expect(bench.loop.isCurrent)
            #expect(bench.loop.isIsolatingCurrentContext() == true)
        }
        let loop = try EventLoop(backend: .epoll)
        #expect(!loop.isCurrent)
        loop.stop()
        await loop.waitUntilStopped()
    }

    @Test("loop-bound calls from elsewhere trap")
    func trap() async {
        await #expect(processExitsWith: .failure) {
            let loop = try EventLoop(backend: .epoll)
            _ = loop.statistics
        }
    }
}

private actor Counter: LoopBound {
    nonisolated let loop: EventLoop
    private(set) var count = 0

    init(_ loop: EventLoop) { self.loop = loop }

    func bump() -> Int {
        loop.preconditionOnLoop()
        count += 1
        return count
    }
}

private actor Visitor: LoopBound {
    nonisolated let loop: EventLoop

    init(_ loop: EventLoop) { self.loop = loop }

    /// Calls other actors in turn; the loop's counters before and after.
    func visit(_ counters: [Counter], _ times: Int) async -> (LoopStatistics, LoopStatistics) {
        let before = loop.statistics
        for round in 0..<times { _ = await counters[round % counters.count].bump() }
        return (before, loop.statistics)
    }
}

private actor Plain {
    func answer() -> Int { 42 }
}

/// What ran, in order; loop-confined.
private final class Log {
    var entries: [Int] = []
}
