// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryTesting
import Benchmark
import CAllocations
import Logging

/// Allocations per scaled operation: the figure that thresholds hold; times are shown only.
private let allocations = BenchmarkMetric.custom("Allocations", polarity: .prefersSmaller, useScalingFactor: true)

/// Operations in one sample: a sample's own cost vanishes among them.
private let scale = 1_000

let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .cpuTotal, allocations],
        warmupIterations: 3,
        scalingFactor: .kilo,
        maxDuration: .seconds(2),
        maxIterations: 200,
        // One allocation per thousand operations is noise of the runtime (a metadata cache that grows); one per
        // operation would be a regression.
        thresholds: [allocations: .init(absolute: [.p50: 100])]
    )

    Benchmark("executor: actor to actor on one loop") { benchmark in
        let loop = try EventLoop(backend: .epoll)
        let visitor = Visitor(loop)
        let counter = Counter(loop)
        try await measure(benchmark) {
            await Task(executorPreference: loop) { await visitor.visit(counter, scale) }.value
        }
        loop.stop()
        await loop.waitUntilStopped()
    }

    Benchmark("executor: suspend and resume on one loop") { benchmark in
        let loop = try EventLoop(backend: .epoll)
        try await measure(benchmark) { try await pingPong(on: loop, scale) }
        loop.stop()
        await loop.waitUntilStopped()
    }

    Benchmark("frame log: append and pump, 1 subscriber") { benchmark in
        let probe = try await FanOutProbe(subscribers: 1)
        try await measure(benchmark) { try await probe.publish(scale) }
        await probe.shutDown()
    }

    Benchmark("frame log: append and pump, 100 subscribers") { benchmark in
        let probe = try await FanOutProbe(subscribers: 100)
        try await measure(benchmark) { try await probe.publish(scale) }
        await probe.shutDown()
    }

    Benchmark("for await: a room's message, on its loop") { benchmark in
        let broker = try Broker(configuration: .init(io: .epoll, loops: 1), logger: Logger(label: "micro"))
        let room = try await broker.room("micro")
        let reader = Reader(room)
        try await measure(benchmark) {
            try await Task(executorPreference: room.loop) { try await reader.publishAndRead(scale) }.value
        }
        await broker.shutDown()
    }

    Benchmark("for await: a queue's buffered element") { benchmark in
        try await measure(benchmark) {
            let queue = Queue<Int>(.init(limit: scale))
            for number in 0..<scale { queue.send(number) }
            queue.close()
            var count = 0
            for try await _ in queue { count += 1 }
            blackHole(count)
        }
    }
}

/// One sample: the time and the allocations of `body`.
private func measure(_ benchmark: Benchmark, _ body: () async throws -> Void) async throws {
    // What is made once (metadata, the first growth of arrays) belongs to no sample.
    try await body()
    let before = callocations_count()
    benchmark.startMeasurement()
    try await body()
    benchmark.stopMeasurement()
    benchmark.measurement(allocations, Int(callocations_count() - before))
}

private actor Counter: LoopBound {
    nonisolated let loop: EventLoop
    private var count = 0

    init(_ loop: EventLoop) { self.loop = loop }

    func bump() { count += 1 }
}

private actor Visitor: LoopBound {
    nonisolated let loop: EventLoop

    init(_ loop: EventLoop) { self.loop = loop }

    func visit(_ counter: Counter, _ times: Int) async {
        for _ in 0..<times { await counter.bump() }
    }
}

private actor Reader: LoopBound {
    nonisolated let loop: EventLoop
    private let room: Room

    init(_ room: Room) {
        self.room = room
        loop = room.loop
    }

    func publishAndRead(_ count: Int) async throws {
        var iterator = room.messages(from: .latest, limit: count).makeAsyncIterator()
        // The subscription starts with the first `next`, so a message has to come while it waits.
        let room = self.room
        let publisher = Task(executorPreference: loop) {
            for _ in 0..<count { try await room.publish(event: "m", .text("x")) }
        }
        for _ in 0..<count { blackHole(try await iterator.next()) }
        try await publisher.value
    }
}

/// Two tasks that wake each other in turn: each round suspends and resumes both.
private func pingPong(on loop: EventLoop, _ rounds: Int) async throws {
    let (there, back) = (Queue<Int>(.init(limit: 4)), Queue<Int>(.init(limit: 4)))
    let answering = Task(executorPreference: loop) {
        for try await _ in there { back.send(1) }
        back.close()
    }
    let asking = Task(executorPreference: loop) {
        var answers = back.makeAsyncIterator()
        for _ in 0..<rounds {
            there.send(1)
            blackHole(try await answers.next())
        }
        there.close()
    }
    try await asking.value
    try await answering.value
}
