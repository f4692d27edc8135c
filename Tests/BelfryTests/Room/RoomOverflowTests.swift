// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

@testable import Belfry

@Suite(.timeLimit(.minutes(3)))
struct RoomOverflowTests {
    /// What a follower of this limit and policy gets after these events were published past it.
    private func follow(
        limit: Int,
        maxBytes: Int = 1_000_000,
        _ policy: OverflowPolicy,
        events: [String],
        size: Int = 1,
        history: Int = 0
    ) async throws -> (deliveries: [String], error: BelfryError?, lost: UInt64) {
        var found: [String] = []
        var failure: BelfryError?
        var lost: UInt64 = 0
        try await withBroker(configure: { $0.history = HistoryLimit(messages: history) }) { test in
            let room = try await test.broker.room("overflow")
            let (_, messages) = await room.resume(
                after: RoomPosition(epoch: room.epoch, offset: 0),
                limit: limit,
                maxBytes: maxBytes,
                onOverflow: policy
            )
            let payload = Payload.text(String(repeating: "x", count: max(0, size - 1)))
            for event in events { try await room.publish(event: event, payload) }
            var iterator = messages.makeAsyncIterator()
            do throws(BelfryError) {
                var next: UInt64 = 0
                while next < UInt64(events.count), let delivery = try await iterator.next() {
                    switch delivery {
                    case .message(let message):
                        #expect(message.offset == next)
                        next = message.offset + 1
                        found.append("\(message.offset)")
                    case .gap(let from, let to):
                        #expect(from == next)
                        next = to
                        found.append("\(from)..<\(to)")
                    }
                }
                if policy == .disconnect { _ = try await iterator.next() }
            } catch {
                failure = error
                // After its error a sequence is over.
                let after = try await iterator.next()
                #expect(after == nil)
            }
            lost = test.broker.statistics.lost
        }
        return (found, failure, lost)
    }

    private static func events(_ count: Int) -> [String] { (0..<count).map { "\($0 % 10)" } }

    @Test("dropOldest gives the newest behind one gap", arguments: [0, 100])
    func dropOldest(history: Int) async throws {
        let found = try await follow(limit: 4, .dropOldest, events: Self.events(10), history: history)
        #expect(found.deliveries == ["0..<6", "6", "7", "8", "9"])
        #expect(found.lost == 6)
    }

    @Test("dropNewest keeps the oldest, and the gap stands behind them", arguments: [0, 100])
    func dropNewest(history: Int) async throws {
        let found = try await follow(limit: 4, .dropNewest, events: Self.events(10), history: history)
        #expect(found.deliveries.prefix(4) == ["0", "1", "2", "3"])
        #expect(found.deliveries[4].hasPrefix("4..<"))
        // Those published last may be taken again: the four were set aside when the fifth came.
        #expect(found.lost + UInt64(found.deliveries.filter { !$0.contains("<") }.count) == 10)
    }

    @Test("latestPerKey keeps the newest of each event, a gap wherever one is missing", arguments: [0, 100])
    func latestPerKey(history: Int) async throws {
        let found = try await follow(
            limit: 4,
            .latestPerKey,
            events: ["a", "b", "a", "c", "b", "b"],
            history: history
        )
        let kept = found.deliveries.filter { !$0.contains("<") }
        #expect(found.deliveries.last == "5")
        #expect(kept.contains("2") && kept.contains("3") && !kept.contains("0"))
        #expect(found.lost + UInt64(kept.count) == 6)
    }

    @Test("latestPerKey with more events than its limit gives the newest ones")
    func latestOfMany() async throws {
        let found = try await follow(limit: 2, .latestPerKey, events: ["a", "b", "c", "d"], history: 100)
        #expect(found.deliveries == ["0..<2", "2", "3"])
    }

    @Test("disconnect delivers what waited, then the gap, then throws slowConsumer", arguments: [0, 100])
    func disconnect(history: Int) async throws {
        let found = try await follow(limit: 4, .disconnect, events: Self.events(10), history: history)
        #expect(found.deliveries.prefix(4) == ["0", "1", "2", "3"])
        #expect(found.deliveries.count == 5)
        #expect(found.error?.code == .slowConsumer)
    }

    @Test("a follower within its limit loses nothing, whatever its policy", arguments: OverflowPolicy.allCases)
    func within(policy: OverflowPolicy) async throws {
        guard policy != .disconnect else { return }
        let found = try await follow(limit: 10, policy, events: (0..<10).map { "\($0)" })
        #expect(found.deliveries == (0..<10).map { "\($0)" })
        #expect(found.lost == 0)
    }

    @Test("the limit of bytes holds as well")
    func bytes() async throws {
        let newest = try await follow(limit: 100, maxBytes: 50, .dropOldest, events: Self.events(10), size: 10)
        #expect(newest.deliveries == ["0..<5", "5", "6", "7", "8", "9"])
        let oldest = try await follow(limit: 100, maxBytes: 50, .dropNewest, events: Self.events(10), size: 10)
        #expect(oldest.deliveries.prefix(5) == ["0", "1", "2", "3", "4"])
        let single = try await follow(limit: 100, maxBytes: 50, .dropOldest, events: ["a", "b"], size: 80)
        #expect(single.deliveries == ["0..<1", "1"])
    }

    @Test("suspend makes publishing wait until the follower has taken something, and loses nothing")
    func suspend() async throws {
        try await withBroker(LoopSetup(.epoll, loops: 2)) { test in
            let room = try await test.broker.room("suspend")
            let (_, messages) = await room.resume(
                after: RoomPosition(epoch: room.epoch, offset: 0),
                limit: 4,
                onOverflow: .suspend
            )
            let publisher = Task { for number in 0..<100 { try await room.publish(.text("\(number)")) } }
            try await eventually("the publisher waits") { await room.waitingPublishers == 1 }
            #expect(await room.position?.offset == 3)
            var iterator = messages.makeAsyncIterator()
            for number in 0..<100 {
                #expect(try await iterator.next()?.message?.offset == UInt64(number))
            }
            try await publisher.value
            #expect(test.broker.statistics.lost == 0)
        }
    }

    @Test("a publisher that waits can be cancelled; others go on when the follower has gone")
    func cancelPublisher() async throws {
        try await withBroker { test in
            let room = try await test.broker.room("cancel")
            var (_, messages): (Bool, RoomMessages?) = await room.resume(
                after: RoomPosition(epoch: room.epoch, offset: 0),
                limit: 1,
                onOverflow: .suspend
            )
            try await room.publish(.text("0"))
            let cancelled = Task { () async -> BelfryError.Code? in
                do throws(BelfryError) { try await room.publish(.text("never")) } catch { return error.code }
                return nil
            }
            let patient = Task { try await room.publish(.text("later")) }
            try await eventually("both wait") { await room.waitingPublishers == 2 }
            cancelled.cancel()
            #expect(await cancelled.value == .closed)
            try await eventually("one waits") { await room.waitingPublishers == 1 }
            withExtendedLifetime(messages) {}
            messages = nil
            #expect(try await patient.value.offset == 1)
        }
    }
}
