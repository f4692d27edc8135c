// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Belfry

@Suite(.timeLimit(.minutes(3)))
struct QueueStateMachineTests {
    typealias Machine = QueueStateMachine<Int, Int>
    typealias Delivery = Queue<Int>.Delivery

    static let start = Duration.seconds(3)

    /// Offers the numbers; each counts `bytes` bytes and has its last digit as key.
    static func offer(
        _ numbers: some Sequence<Int>,
        bytes: Int = 0,
        to machine: inout Machine
    ) -> [QueueAdmission] {
        numbers.map {
            machine.send(QueueEntry(value: $0, bytes: bytes, key: QueueKey($0 % 10)), now: nil).0
        }
    }

    /// Takes everything there is, to the end or to the point where the consumer has to wait.
    static func drain(_ machine: inout Machine, now: Duration? = nil) -> [Delivery] {
        var result: [Delivery] = []
        while case .deliver(let delivery) = Self.answer(machine.next(resuming: true, now: now)) {
            result.append(delivery)
        }
        return result
    }

    static func elements(_ numbers: some Sequence<Int>) -> [Delivery] { numbers.map { .element($0) } }

    struct Row: Sendable, CustomTestStringConvertible {
        let policy: OverflowPolicy
        let offered: [Int]
        var limit = 3
        var maxBytes = Int.max
        let admissions: [QueueAdmission]
        let delivered: [Delivery]
        var testDescription: String { "\(policy) \(offered)" }
    }

    static let table: [Row] = [
        Row(
            policy: .dropOldest,
            offered: [0, 1, 2],
            admissions: [.accepted, .accepted, .accepted],
            delivered: elements(0..<3)
        ),
        Row(
            policy: .dropOldest,
            offered: [0, 1, 2, 3, 4],
            admissions: [.accepted, .accepted, .accepted, .acceptedDropping(1), .acceptedDropping(1)],
            delivered: [.gap(from: 0, to: 2)] + elements(2..<5)
        ),
        Row(
            policy: .dropOldest,
            offered: [0, 1, 2],
            maxBytes: 25,
            admissions: [.accepted, .accepted, .acceptedDropping(1)],
            delivered: [.gap(from: 0, to: 1)] + elements(1..<3)
        ),
        Row(
            policy: .dropNewest,
            offered: [0, 1, 2, 3, 4],
            admissions: [.accepted, .accepted, .accepted, .refused(.full), .refused(.full)],
            delivered: elements(0..<3) + [.gap(from: 3, to: 5)]
        ),
        Row(
            policy: .dropNewest,
            offered: [0, 1],
            maxBytes: 10,
            admissions: [.accepted, .refused(.full)],
            delivered: [.element(0), .gap(from: 1, to: 2)]
        ),
        Row(
            policy: .latestPerKey,
            offered: [0, 1, 11, 21],
            admissions: [.accepted, .accepted, .accepted, .acceptedDropping(1)],
            delivered: [.element(0), .gap(from: 1, to: 2), .element(11), .element(21)]
        ),
        Row(
            policy: .latestPerKey,
            offered: [0, 1, 11, 21, 31, 2],
            admissions: [
                .accepted, .accepted, .accepted, .acceptedDropping(1), .acceptedDropping(1), .acceptedDropping(1),
            ],
            delivered: [.element(0), .gap(from: 1, to: 4), .element(31), .element(2)]
        ),
        Row(
            policy: .latestPerKey,
            offered: [0, 1, 2, 3],
            admissions: [.accepted, .accepted, .accepted, .acceptedDropping(1)],
            delivered: [.gap(from: 0, to: 1)] + elements(1..<4)
        ),
        Row(
            policy: .disconnect,
            offered: [0, 1, 2, 3, 4],
            admissions: [.accepted, .accepted, .accepted, .refused(.slowConsumer), .refused(.closed)],
            delivered: elements(0..<3) + [.gap(from: 3, to: 4)]
        ),
        Row(
            policy: .suspend,
            offered: [0, 1, 2, 3, 4],
            admissions: [.accepted, .accepted, .accepted, .refused(.full), .refused(.full)],
            delivered: elements(0..<3)
        ),
    ]

    /// The first of two, with the second destroyed: `if case … = pair.0` leaks the second (Swift 6.3, not optimised).
    private static func answer<Answer, Effects>(_ pair: (Answer, Effects)) -> Answer {
        let (answer, _) = pair
        return answer
    }

    @Test("each policy keeps, drops, refuses and announces what it says", arguments: table)
    func policies(row: Row) {
        var machine = Machine(limits: QueueLimits(count: row.limit, bytes: row.maxBytes, policy: row.policy))
        #expect(Self.offer(row.offered, bytes: 10, to: &machine) == row.admissions)
        let before = machine.statistics
        #expect(before.currentCount <= row.limit)
        #expect(before.currentBytes <= row.maxBytes)
        #expect(Self.drain(&machine) == row.delivered)
        #expect(machine.statistics.currentCount == 0)
        #expect(machine.statistics.currentBytes == 0)
    }

    @Test("of 1,000 elements exactly the newest 50 remain, in order")
    func newest() {
        var machine = Machine(limits: QueueLimits())
        _ = Self.offer(0..<1_000, to: &machine)
        #expect(machine.statistics.droppedOldest == 950)
        #expect(machine.statistics.peakCount == 50)
        #expect(Self.drain(&machine) == [.gap(from: 0, to: 950)] + Self.elements(950..<1_000))
        #expect(machine.statistics.delivered == 50)
    }

    @Test("one key that changes for ever costs no memory behind a key that waits")
    func overtaking() {
        var machine = Machine(limits: QueueLimits(count: 4, policy: .latestPerKey))
        _ = Self.offer([1], to: &machine)
        _ = Self.offer((0..<10_000).map { $0 * 10 }, to: &machine)
        #expect(machine.statistics.overtaken == 9_997)
        let last = Self.elements([99_970, 99_980, 99_990])
        #expect(Self.drain(&machine) == [.element(1), .gap(from: 1, to: 9_998)] + last)
    }

    @Test("losses in several places are several gaps, each in its place")
    func gaps() {
        var machine = Machine(limits: QueueLimits(count: 2))
        _ = Self.offer(0..<3, to: &machine)
        #expect(machine.next(resuming: false, now: nil).0 == .deliver(.gap(from: 0, to: 1)))
        #expect(machine.next(resuming: false, now: nil).0 == .deliver(.element(1)))
        _ = Self.offer(3..<5, to: &machine)
        #expect(Self.drain(&machine) == [.gap(from: 2, to: 3), .element(3), .element(4)])
    }

    @Test("an element above the byte limit is refused alone and announced", arguments: OverflowPolicy.allCases)
    func tooLarge(policy: OverflowPolicy) {
        var machine = Machine(limits: QueueLimits(bytes: 10, policy: policy))
        _ = Self.offer([0], bytes: 4, to: &machine)
        #expect(Self.offer([1], bytes: 11, to: &machine) == [.refused(.tooLarge)])
        #expect(Self.offer([2], bytes: 6, to: &machine) == [.accepted])
        #expect(machine.sendWaiting(QueueEntry(value: 3, bytes: 11), producer: 3, now: nil).0 == .refused(.tooLarge))
        let gap: [Delivery] = policy == .suspend ? [] : [.gap(from: 1, to: 2)]
        #expect(Self.drain(&machine) == [.element(0)] + gap + [.element(2)])
        #expect(machine.statistics.refused == 2)
    }

    @Test("force passes every limit and drops nothing; the next ordinary element restores the limit")
    func force() {
        var machine = Machine(limits: QueueLimits(count: 2, bytes: 4))
        _ = Self.offer(0..<2, bytes: 2, to: &machine)
        for number in 2..<5 {
            #expect(machine.send(QueueEntry(value: number, bytes: 9), force: true, now: nil).0 == .accepted)
        }
        #expect(machine.statistics.currentCount == 5)
        #expect(machine.statistics.peakBytes == 31)
        #expect(Self.offer([5], to: &machine) == [.acceptedDropping(5)])
        #expect(Self.drain(&machine) == [.gap(from: 0, to: 5), .element(5)])
    }

    @Test("sizes that can't be summed up are refused, not trapped on")
    func hugeSizes() {
        var machine = Machine(limits: QueueLimits())
        #expect(Self.offer([0, 1], bytes: .max, to: &machine) == [.accepted, .refused(.tooLarge)])
        #expect(Self.drain(&machine) == [.element(0), .gap(from: 1, to: 2)])
    }

    @Test("an element lives for its time, to the instant, and its end is announced")
    func timeToLive() {
        var machine = Machine(limits: QueueLimits(timeToLive: .seconds(50)))
        for second in 0..<3 {
            let now = Self.start + .seconds(second)
            _ = machine.send(QueueEntry(value: second), now: now)
        }
        _ = machine.removeExpired(now: Self.start + .seconds(50) - .nanoseconds(1))
        #expect(machine.statistics.expired == 0)
        _ = machine.removeExpired(now: Self.start + .seconds(50))
        #expect(machine.statistics.expired == 1)
        let step = Self.drain(&machine, now: Self.start + .seconds(51))
        #expect(step == [.gap(from: 0, to: 2), .element(2)])
        #expect(machine.statistics.expired == 2)
    }

    @Test("expired elements make room before anything else is dropped")
    func expiryMakesRoom() {
        var machine = Machine(limits: QueueLimits(count: 1, timeToLive: .seconds(1), policy: .dropNewest))
        #expect(machine.send(QueueEntry(value: 0), now: Self.start).0 == .accepted)
        #expect(machine.send(QueueEntry(value: 1), now: Self.start).0 == .refused(.full))
        #expect(machine.send(QueueEntry(value: 2), now: Self.start + .seconds(1)).0 == .accepted)
        #expect(Self.drain(&machine, now: Self.start + .seconds(1)) == [.gap(from: 0, to: 2), .element(2)])
    }

    @Test("producers that wait get in one by one, in their order, and nothing overtakes them")
    func waitingProducers() {
        var machine = Machine(limits: QueueLimits(count: 1, policy: .suspend))
        #expect(machine.sendWaiting(QueueEntry(value: 0), producer: 0, now: nil).0 == .accepted)
        #expect(machine.sendWaiting(QueueEntry(value: 1), producer: 1, now: nil).0 == .wait(1))
        #expect(machine.sendWaiting(QueueEntry(value: 2), producer: 2, now: nil).0 == .wait(2))
        #expect(machine.statistics.waitingProducers == 2)
        #expect(machine.next(resuming: false, now: nil).1.admitted == [1])
        #expect(machine.send(QueueEntry(value: 9), now: nil).0 == .refused(.full))
        #expect(machine.next(resuming: false, now: nil).1.admitted == [2])
        #expect(Self.drain(&machine) == [.element(2)])
        #expect(machine.statistics.accepted == 3)
    }

    @Test("a big element that waits holds up small ones until it is in or withdrawn")
    func bigElementWaits() {
        var machine = Machine(limits: QueueLimits(bytes: 10, policy: .suspend))
        _ = Self.offer([0], bytes: 5, to: &machine)
        #expect(machine.sendWaiting(QueueEntry(value: 1, bytes: 8), producer: 1, now: nil).0 == .wait(1))
        #expect(machine.sendWaiting(QueueEntry(value: 2, bytes: 1), producer: 2, now: nil).0 == .wait(2))
        let (outcome, effects) = machine.cancelSend(1, now: nil)
        #expect(outcome == .removed)
        #expect(effects.admitted == [2])
        #expect(effects.dropped?.value == 1)
        #expect(Self.drain(&machine) == Self.elements([0, 2]))
    }

    @Test("a cancellation that comes late learns what became of the element")
    func lateCancellation() {
        var machine = Machine(limits: QueueLimits(count: 1, policy: .suspend))
        _ = machine.send(QueueEntry(value: 0), now: nil)
        _ = machine.sendWaiting(QueueEntry(value: 1), producer: 1, now: nil)
        _ = machine.sendWaiting(QueueEntry(value: 2), producer: 2, now: nil)
        _ = machine.next(resuming: false, now: nil)
        #expect(machine.finish(with: nil).rejected == [2])
        #expect(machine.cancelSend(1, now: nil).0 == .wasAdmitted)
        #expect(machine.cancelSend(2, now: nil).0 == .wasRejected)
        #expect(Self.drain(&machine) == [.element(1)])
    }

    @Test("the end comes behind what is queued, its error once, and only the first end counts")
    func ending() {
        var machine = Machine(limits: QueueLimits())
        _ = Self.offer([0], to: &machine)
        _ = machine.finish(with: QueueError(.failed, message: "gone"))
        _ = machine.finish(with: nil)
        #expect(Self.offer([1], to: &machine) == [.refused(.closed)])
        #expect(machine.send(QueueEntry(value: 2), force: true, now: nil).0 == .refused(.closed))
        #expect(machine.sendWaiting(QueueEntry(value: 3), producer: 3, now: nil).0 == .refused(.closed))
        #expect(machine.next(resuming: false, now: nil).0 == .deliver(.element(0)))
        #expect(machine.next(resuming: false, now: nil).0 == .end(.failed))
        #expect(machine.next(resuming: false, now: nil).0 == .end(nil))
    }

    @Test("the consumer is woken once, and stays the only one until it has come back")
    func consumer() {
        var machine = Machine(limits: QueueLimits())
        #expect(machine.next(resuming: false, now: nil).0 == .wait)
        #expect(machine.next(resuming: false, now: nil).0 == .busy)
        #expect(machine.send(QueueEntry(value: 0), now: nil).1.wakesConsumer)
        #expect(!machine.send(QueueEntry(value: 1), now: nil).1.wakesConsumer)
        #expect(machine.next(resuming: false, now: nil).0 == .busy)
        #expect(machine.next(resuming: true, now: nil).0 == .deliver(.element(0)))
        #expect(machine.next(resuming: false, now: nil).0 == .deliver(.element(1)))
        #expect(machine.next(resuming: false, now: nil).0 == .wait)
        machine.cancelNext()
        #expect(!machine.send(QueueEntry(value: 2), now: nil).1.wakesConsumer)
        #expect(machine.next(resuming: false, now: nil).0 == .deliver(.element(2)))
    }

    @Test("a batch takes what is there, up to its size, gaps included")
    func batches() {
        var machine = Machine(limits: QueueLimits(count: 3))
        _ = Self.offer(0..<5, to: &machine)
        guard case .deliver(let first) = Self.answer(machine.nextBatch(upTo: 2, resuming: false, now: nil)),
            case .deliver(let second) = machine.nextBatch(upTo: 9, resuming: false, now: nil).0
        else { return #expect(Bool(false), "two batches were there") }
        #expect(first == [.gap(from: 0, to: 2), .element(2)])
        #expect(second == Self.elements([3, 4]))
        guard case .wait = machine.nextBatch(upTo: 9, resuming: false, now: nil).0 else {
            return #expect(Bool(false), "an empty queue has no batch")
        }
    }

    /// SplitMix64.
    struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    @Test(
        "whatever happens, elements and gaps cover every offset once and the counters add up",
        arguments: OverflowPolicy.allCases,
        [1, 2, 3, 4, 5] as [UInt64]
    )
    func random(policy: OverflowPolicy, seed: UInt64) {
        var random = Seeded(state: seed)
        var machine = Machine(
            limits: QueueLimits(count: 8, bytes: 40, timeToLive: .seconds(20), policy: policy)
        )
        var now = Self.start
        var reached: UInt64 = 0
        var lastElement = -1
        var unaccepted: UInt64 = 0
        var waiting: [UInt64] = []
        func take(_ delivery: Delivery) {
            switch delivery {
            case .element(let value):
                // Producers that wait may be passed by others, so only without them the order is the offered one.
                if policy != .suspend { #expect(value > lastElement) }
                lastElement = value
                reached += 1
            case .gap(let from, let to):
                #expect(from == reached)
                #expect(from < to)
                reached = to
            }
        }
        for value in 0..<4_000 {
            now += .milliseconds(Int.random(in: 0..<2_000, using: &random))
            let key = QueueKey(Int.random(in: 0..<12, using: &random))
            let entry = QueueEntry(value: value, bytes: Int.random(in: 0..<44, using: &random) / 3, key: key)
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<9:
                if case .refused(let reason) = Self.answer(machine.send(entry, now: now)), policy != .suspend,
                    reason != .closed
                {
                    unaccepted += 1
                }
            case 9: _ = machine.send(entry, force: true, now: now)
            case 10..<13 where policy == .suspend:
                if case .wait(let id) = Self.answer(machine.sendWaiting(entry, producer: value, now: now)) {
                    waiting.append(id)
                }
            case 13: if let id = waiting.popLast() { _ = machine.cancelSend(id, now: now) }
            case 14:
                if case .deliver(let batch) = Self.answer(machine.nextBatch(upTo: 3, resuming: true, now: now)) {
                    batch.forEach(take)
                }
            default:
                if case .deliver(let delivery) = Self.answer(machine.next(resuming: true, now: now)) { take(delivery) }
            }
            let counters = machine.statistics
            let gone = counters.delivered + counters.droppedOldest + counters.overtaken + counters.expired
            #expect(counters.accepted == gone + UInt64(counters.currentCount))
            #expect(counters.currentCount > 0 || counters.currentBytes == 0)
            #expect(counters.offered == counters.delivered + counters.lost + UInt64(counters.currentCount))
            #expect(counters.peakCount >= counters.currentCount && counters.peakBytes >= counters.currentBytes)
        }
        _ = machine.finish(with: nil)
        Self.drain(&machine, now: now).forEach(take)
        #expect(reached == machine.statistics.accepted + unaccepted)
        #expect(machine.statistics.delivered > 0)
    }
}

extension QueueStep: Equatable where Output: Equatable {
    static func == (left: QueueStep, right: QueueStep) -> Bool {
        switch (left, right) {
        case (.deliver(let a), .deliver(let b)): a == b
        case (.end(let a), .end(let b)): a?.code == b?.code
        case (.wait, .wait), (.busy, .busy): true
        default: false
        }
    }
}

extension QueueError? {
    static var failed: QueueError? { QueueError(.failed, message: "") }
}
