// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import Testing

@Suite(.timeLimit(.minutes(3)))
struct QueueTests {
    /// A clock that stands still until it is moved.
    final class ManualClock: Sendable {
        private let time = Lock(ContinuousClock.now)
        var now: ContinuousClock.Instant { time.withLock { $0 } }
        func advance(by duration: Duration) { time.withLock { $0 += duration } }
    }

    func collect<Value>(_ queue: Queue<Value>) async throws(QueueError) -> [Queue<Value>.Delivery] {
        var result: [Queue<Value>.Delivery] = []
        for try await delivery in queue { result.append(delivery) }
        return result
    }

    @Test("what was sent comes out in order, then the end")
    func order() async throws {
        let queue = Queue<String>()
        #expect(queue.send("a") == .accepted)
        #expect(queue.send("b") == .accepted)
        queue.close()
        #expect(queue.send("c") == .refused(.closed))
        #expect(try await collect(queue) == [.element("a"), .element("b")])
        #expect(try await collect(queue) == [])
    }

    @Test("of 60 elements the consumer gets the newest 50 behind a gap of 10")
    func overflow() async throws {
        let queue = Queue<Int>()
        for number in 0..<60 { queue.send(number) }
        #expect(queue.statistics.currentCount == 50)
        queue.close()
        #expect(try await collect(queue) == [.gap(from: 0, to: 10)] + (10..<60).map { .element($0) })
    }

    @Test("what is queued is handed out without waiting, even to a cancelled task")
    func noSuspension() async throws {
        let queue = Queue<Int>()
        queue.send(1)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            var iterator = queue.makeAsyncIterator()
            let first = try await iterator.next()
            await #expect(throws: QueueError.self) { try await queue.sendWaiting(2) }
            do throws(QueueError) {
                _ = try await iterator.next()
            } catch {
                return (first, error.code)
            }
            return (nil, .closed)
        }
        task.cancel()
        let (first, code) = try await task.value
        #expect(first == .element(1))
        #expect(code == .cancelled)
        queue.send(3)
        var iterator = queue.makeAsyncIterator()
        #expect(try await iterator.next() == .element(3))
    }

    @Test("a consumer that waits gets the next element")
    func waiting() async throws {
        let queue = Queue<Int>()
        let consumer = Task { try await collect(queue) }
        for number in 0..<100 {
            queue.send(number)
            while queue.statistics.currentCount > 0 { await Task.yield() }
        }
        queue.close()
        #expect(try await consumer.value == (0..<100).map { .element($0) })
    }

    @Test("of two consumers at an empty queue one is told that the other waits")
    func twoConsumers() async {
        let queue = Queue<Int>()
        await withTaskGroup(of: QueueError.Code?.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    do throws(QueueError) {
                        var iterator = queue.makeAsyncIterator()
                        #expect(try await iterator.next() == nil)
                        return nil
                    } catch {
                        return error.code
                    }
                }
            }
            #expect(await group.next() == .consumerBusy)
            queue.close()
            #expect(await group.next() == .some(nil))
        }
    }

    @Test("a consumer that waits when the queue is closed or fails is let go", arguments: [false, true])
    func endWhileWaiting(failing: Bool) async {
        struct Broken: Error {}
        let queue = Queue<Int>()
        let consumer = Task { () throws(QueueError) in try await collect(queue) }
        if failing {
            queue.fail(QueueError(.failed, message: "broken", cause: Broken()))
        } else {
            queue.close()
        }
        switch await consumer.result {
        case .success(let deliveries):
            #expect(!failing)
            #expect(deliveries.isEmpty)
        case .failure(let error):
            #expect(failing)
            #expect((error as? QueueError)?.code == .failed)
            #expect((error as? QueueError)?.cause is Broken)
        }
    }

    @Test("a queue that nobody holds ends for the consumer that is left")
    func abandoned() async throws {
        var queue: Queue<Int>? = Queue<Int>()
        queue?.send(1)
        var iterator = try #require(queue?.makeAsyncIterator())
        queue = nil
        #expect(try await iterator.next() == .element(1))
        #expect(try await iterator.next() == nil)
    }

    @Test("a slow consumer gets what it had waiting, the gap, and the error")
    func slowConsumer() async {
        let queue = Queue<Int>(.init(limit: 2, policy: .disconnect))
        for number in 0..<5 { queue.send(number) }
        var received: [Queue<Int>.Delivery] = []
        do throws(QueueError) {
            for try await delivery in queue { received.append(delivery) }
            Issue.record("the queue ended without its error")
        } catch {
            #expect(error.code == .slowConsumer)
        }
        #expect(received == [.element(0), .element(1), .gap(from: 2, to: 3)])
        #expect(queue.statistics.refused == 3)
    }

    @Test("the newest value of each key is kept, and without a key the newest of all")
    func latestPerKey() async throws {
        let keyed = Queue<String>(.init(limit: 2, policy: .latestPerKey, key: { $0.first }))
        for text in ["a1", "b1", "a2", "b2", "b3"] { keyed.send(text) }
        keyed.close()
        #expect(
            try await collect(keyed) == [.gap(from: 0, to: 2), .element("a2"), .gap(from: 3, to: 4), .element("b3")]
        )
        let bare = Queue<Int>(.init(limit: 1, policy: .latestPerKey))
        for number in 0..<9 { bare.send(number) }
        bare.close()
        #expect(try await collect(bare) == [.gap(from: 0, to: 8), .element(8)])
    }

    @Test("bytes are counted by the size given, and out-of-range settings are brought into range")
    func bytes() {
        let queue = Queue<String>(.init(limit: 10, maxBytes: 5, size: { $0.utf8.count }))
        #expect(queue.send("abc") == .accepted)
        #expect(queue.send("de") == .accepted)
        #expect(queue.statistics.currentBytes == 5)
        #expect(queue.send("f") == .acceptedDropping(1))
        #expect(queue.statistics.currentBytes == 3)
        #expect(queue.send("123456") == .refused(.tooLarge))
        #expect(queue.send("123456", force: true) == .accepted)
        let odd = Queue<Int>(.init(limit: -1, maxBytes: -1, size: { _ in -1 }))
        #expect(odd.send(1) == .accepted)
        #expect(odd.send(2) == .acceptedDropping(1))
    }

    @Test("elements expire by the clock given")
    func timeToLive() async throws {
        let clock = ManualClock()
        let queue = Queue<Int>(.init(timeToLive: .seconds(50), now: { clock.now }))
        queue.send(1)
        clock.advance(by: .seconds(49))
        queue.send(2)
        clock.advance(by: .seconds(1))
        var iterator = queue.makeAsyncIterator()
        #expect(try await iterator.next() == .gap(from: 0, to: 1))
        #expect(try await iterator.next() == .element(2))
        queue.send(3)
        clock.advance(by: .seconds(50))
        queue.removeExpired()
        #expect(queue.statistics.expired == 2)
        #expect(queue.statistics.currentCount == 0)
    }

    @Test("producers that wait get their turn in order, and a cancelled one takes its element back")
    func suspendedProducers() async throws {
        let queue = Queue<Int>(.init(limit: 1, policy: .suspend))
        var producers: [Task<Void, any Error>] = []
        for number in 0..<5 {
            producers.append(Task { try await queue.sendWaiting(number) })
            while queue.statistics.accepted + UInt64(queue.statistics.waitingProducers) != number + 1 {
                await Task.yield()
            }
        }
        #expect(queue.send(9) == .refused(.full))
        producers[2].cancel()
        #expect((await producers[2].result.failure as? QueueError)?.code == .cancelled)
        var iterator = queue.makeAsyncIterator()
        for expected in [0, 1, 3] { #expect(try await iterator.next() == .element(expected)) }
        try await producers[3].value
        try await producers[4].value
        let late = Task { try await queue.sendWaiting(5) }
        while queue.statistics.waitingProducers == 0 { await Task.yield() }
        queue.close()
        #expect((await late.result.failure as? QueueError)?.code == .closed)
        #expect(try await collect(queue) == [.element(4)])
    }

    @Test("eight producers that wait for room lose nothing and keep their order")
    func manyProducers() async throws {
        let queue = Queue<[Int]>(.init(limit: 4, policy: .suspend))
        try await withThrowingTaskGroup { group in
            for producer in 0..<8 {
                group.addTask { for number in 0..<250 { try await queue.sendWaiting([producer, number]) } }
            }
            group.addTask {
                var next = Array(repeating: 0, count: 8)
                for try await batch in queue.batches(upTo: 3) {
                    #expect(!batch.isEmpty && batch.count <= 3)
                    for case .element(let pair) in batch {
                        #expect(next[pair[0]] == pair[1])
                        next[pair[0]] += 1
                    }
                    if next.allSatisfy({ $0 == 250 }) { break }
                }
            }
            try await group.waitForAll()
        }
        #expect(queue.statistics.delivered == 2_000)
        #expect(queue.statistics.peakCount <= 4)
    }

    @Test("eight producers that don't wait: every element is delivered or announced as lost")
    func manyHurriedProducers() async throws {
        let queue = Queue<Int>(.init(limit: 16))
        async let consumed = collect(queue)
        await withTaskGroup { group in
            for _ in 0..<8 { group.addTask { for number in 0..<500 { queue.send(number) } } }
        }
        queue.close()
        let total = try await consumed.reduce(into: UInt64(0)) { total, delivery in
            switch delivery {
            case .element: total += 1
            case .gap(let from, let to): total += to - from
            }
        }
        #expect(total == 4_000)
    }

    @Test("consumers and producers that are cancelled at any moment leave the queue whole")
    func cancellationRaces() async throws {
        let queue = Queue<Int>(.init(limit: 2, policy: .suspend))
        var delivered = 0
        var accepted = 0
        for round in 0..<500 {
            let producer = Task { try await queue.sendWaiting(round) }
            let consumer = Task { () throws -> Bool in
                var iterator = queue.makeAsyncIterator()
                return try await iterator.next() != nil
            }
            for _ in 0..<round % 4 { await Task.yield() }
            if round % 2 == 0 { producer.cancel() }
            for _ in 0..<round % 3 { await Task.yield() }
            consumer.cancel()
            producer.cancel()
            if (try? await producer.value) != nil { accepted += 1 }
            if (try? await consumer.value) == true { delivered += 1 }
        }
        queue.close()
        let rest = try await collect(queue)
        #expect(accepted == delivered + rest.count)
        #expect(queue.statistics.accepted == UInt64(accepted))
    }

    @Test("an element that uses the queue while it is dropped doesn't block")
    func reentrancy() {
        final class Tail: Sendable {
            let queue: Queue<Tail?>
            init(_ queue: Queue<Tail?>) { self.queue = queue }
            deinit { queue.send(nil) }
        }
        let queue = Queue<Tail?>(.init(limit: 1))
        queue.send(Tail(queue))
        queue.send(nil)
        #expect(queue.statistics.accepted == 3)
        #expect(queue.statistics.droppedOldest == 2)
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
