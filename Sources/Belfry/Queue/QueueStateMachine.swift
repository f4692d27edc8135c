// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import DequeModule

/// The bounds of a queue, brought into range.
@usableFromInline
struct QueueLimits: Sendable {
    @usableFromInline var count = 50
    @usableFromInline var bytes = Int.max
    @usableFromInline var timeToLive: Duration?
    @usableFromInline var policy = OverflowPolicy.dropOldest
}

/// What is left to do for a caller of the state machine once it has let go of the lock.
@usableFromInline
struct QueueEffects<Value: Sendable, Producer: Sendable>: Sendable {
    /// The consumer waits and now has something to fetch.
    @usableFromInline var wakesConsumer = false
    /// Producers whose element is queued now.
    @usableFromInline var admitted: [Producer] = []
    /// Producers whose element will never be queued.
    @usableFromInline var rejected: [Producer] = []
    /// An element that was dropped, carried out so that its `deinit` doesn't run under the lock.
    @usableFromInline var dropped: QueueEntry<Value>?
    /// More of them.
    @usableFromInline var alsoDropped: [QueueEntry<Value>] = []

    @inlinable
    init() {}

    @inlinable
    mutating func drop(_ entry: QueueEntry<Value>) {
        if dropped == nil { dropped = entry } else { alsoDropped.append(entry) }
    }
}

/// What a consumer that asked for something has to do.
@usableFromInline
enum QueueStep<Output: Sendable>: Sendable {
    case deliver(Output)
    /// The queue is at its end; the error comes once.
    case end(QueueError?)
    /// Wait for a wake, then ask again as the one that resumes.
    case wait
    /// Another task is waiting already.
    case busy
}

/// What a producer that is ready to wait has to do.
@usableFromInline
enum QueueSendStep: Sendable, Equatable {
    case accepted
    case wait(UInt64)
    case refused(QueueRefusal)
}

/// What a producer finds that was cancelled while it waited.
@usableFromInline
enum QueueCancellation: Sendable, Equatable {
    case removed
    case wasAdmitted
    case wasRejected
}

/// The logic of a queue: no lock, no clock, no task.
///
/// `now` is the time since the queue was made; without a time to live it may be left out as `nil`.
///
/// Losses need no book of their own. Every element offered takes the next offset, so whatever is missing between
/// what was last announced and the oldest element that waits is a gap, whichever way it was lost.
@usableFromInline
struct QueueStateMachine<Value: Sendable, Producer: Sendable>: ~Copyable {
    @usableFromInline typealias Delivery = Queue<Value>.Delivery
    @usableFromInline typealias Effects = QueueEffects<Value, Producer>
    @usableFromInline typealias Entry = QueueEntry<Value>

    @usableFromInline
    struct WaitingProducer {
        @usableFromInline let id: UInt64
        @usableFromInline let entry: Entry
        @usableFromInline let producer: Producer

        @inlinable
        init(id: UInt64, entry: Entry, producer: Producer) {
            self.id = id
            self.entry = entry
            self.producer = producer
        }
    }

    @usableFromInline
    enum Ending {
        case open
        case closing(QueueError?)
        case ended
    }

    @usableFromInline
    enum Consumer {
        case away, waiting, woken
    }

    @usableFromInline let limits: QueueLimits
    @usableFromInline var backlog = QueueBacklog<Value>()
    @usableFromInline var producers = Deque<WaitingProducer>()
    @usableFromInline var consumer = Consumer.away
    @usableFromInline var ending = Ending.open
    @usableFromInline var counters = QueueCounters()
    /// The offset of the next element offered.
    @usableFromInline var nextOffset: UInt64 = 0
    /// Up to here, exclusive, the consumer knows of every element, delivered or lost.
    @usableFromInline var announced: UInt64 = 0
    @usableFromInline var nextProducer: UInt64 = 0
    /// At the end of the queue: waiting producers from this one on were rejected, those before it admitted.
    @usableFromInline var firstRejected = UInt64.max

    init(limits: QueueLimits) {
        self.limits = limits
    }

    var statistics: QueueStatistics {
        QueueStatistics(
            counters,
            offered: nextOffset,
            currentCount: backlog.count,
            currentBytes: backlog.bytes,
            waitingProducers: producers.count
        )
    }

    // MARK: Producing

    /// Offers an element; with `force` past every limit, but not past the end.
    @inlinable
    mutating func send(_ entry: Entry, force: Bool = false, now: Duration?) -> (QueueAdmission, Effects) {
        var effects = Effects()
        guard case .open = ending else { return (refuse(.closed), effects) }
        makeRoom(now: now, &effects)
        guard backlog.canCount(entry.bytes), force || entry.bytes <= limits.bytes else {
            if limits.policy != .suspend { nextOffset &+= 1 }
            return (refuse(.tooLarge), effects)
        }
        if force || (fits(entry) && producers.isEmpty) {
            append(entry, now: now, &effects)
            notePeak()
            return (.accepted, effects)
        }
        switch limits.policy {
        case .dropOldest, .latestPerKey:
            append(entry, now: now, &effects)
            let dropped = dropExcess(&effects)
            notePeak()
            admitProducers(now: now, &effects)
            return (dropped == 0 ? .accepted : .acceptedDropping(dropped), effects)
        case .dropNewest:
            nextOffset &+= 1
            counters.droppedNewest &+= 1
            return (.refused(.full), effects)
        case .disconnect:
            nextOffset &+= 1
            finish(with: QueueError(QueueRefusal.slowConsumer), &effects)
            return (refuse(.slowConsumer), effects)
        case .suspend:
            return (refuse(.full), effects)
        }
    }

    /// Queues an element, or the producer, which is made only then, until there is room for it.
    @inlinable
    mutating func sendWaiting(
        _ entry: Entry,
        producer: @autoclosure () -> Producer,
        now: Duration?
    ) -> (QueueSendStep, Effects) {
        var effects = Effects()
        guard case .open = ending else {
            counters.countRefusal(.closed)
            return (.refused(.closed), effects)
        }
        makeRoom(now: now, &effects)
        guard entry.bytes <= limits.bytes else {
            counters.countRefusal(.tooLarge)
            return (.refused(.tooLarge), effects)
        }
        if fits(entry) && producers.isEmpty {
            append(entry, now: now, &effects)
            notePeak()
            return (.accepted, effects)
        }
        nextProducer &+= 1
        producers.append(WaitingProducer(id: nextProducer, entry: entry, producer: producer()))
        return (.wait(nextProducer), effects)
    }

    /// Withdraws a waiting producer's element, unless its fate is decided already.
    @usableFromInline
    mutating func cancelSend(_ id: UInt64, now: Duration?) -> (QueueCancellation, Effects) {
        var effects = Effects()
        guard let index = producers.firstIndex(where: { $0.id == id }) else {
            return (id >= firstRejected ? .wasRejected : .wasAdmitted, effects)
        }
        effects.drop(producers.remove(at: index).entry)
        // A big element at the head may have held up smaller ones.
        makeRoom(now: now, &effects)
        return (.removed, effects)
    }

    /// Ends the queue behind what it holds; only the first call counts.
    @usableFromInline
    mutating func finish(with error: QueueError?) -> Effects {
        var effects = Effects()
        if case .open = ending { finish(with: error, &effects) }
        return effects
    }

    /// Drops what has outlived its time, and lets waiting producers in.
    @usableFromInline
    mutating func removeExpired(now: Duration?) -> Effects {
        var effects = Effects()
        makeRoom(now: now, &effects)
        return effects
    }

    // MARK: Consuming

    /// Hands out the next element or gap; `resuming` says that the caller is the one that waited.
    @inlinable
    mutating func next(resuming: Bool, now: Duration?) -> (QueueStep<Delivery>, Effects) {
        var effects = Effects()
        return (next(resuming: resuming, now: now, &effects), effects)
    }

    /// Hands out what is there, at most `max` elements and gaps, at least one.
    @inlinable
    mutating func nextBatch(upTo max: Int, resuming: Bool, now: Duration?) -> (QueueStep<[Delivery]>, Effects) {
        var effects = Effects()
        switch next(resuming: resuming, now: now, &effects) {
        case .end(let error): return (.end(error), effects)
        case .wait: return (.wait, effects)
        case .busy: return (.busy, effects)
        case .deliver(let first):
            var batch: [Delivery] = []
            // Gaps come on top, so it may have to grow all the same.
            batch.reserveCapacity(Swift.min(max, backlog.count + 2))
            batch.append(first)
            while batch.count < max, backlog.count > 0 || announced != nextOffset {
                guard case .deliver(let more) = next(resuming: false, now: now, &effects) else { break }
                batch.append(more)
            }
            return (.deliver(batch), effects)
        }
    }

    /// The waiting consumer gives up.
    @usableFromInline
    mutating func cancelNext() {
        consumer = .away
    }

    // MARK: Steps

    @inlinable
    mutating func next(resuming: Bool, now: Duration?, _ effects: inout Effects) -> QueueStep<Delivery> {
        guard resuming || consumer == .away else { return .busy }
        consumer = .away
        makeRoom(now: now, &effects)
        let reached = backlog.firstOffset ?? nextOffset
        if announced != reached {
            defer { announced = reached }
            return .deliver(.gap(from: announced, to: reached))
        }
        if let (offset, entry) = backlog.popFirst() {
            announced = offset &+ 1
            counters.delivered &+= 1
            admitProducers(now: now, &effects)
            return .deliver(.element(entry.value))
        }
        switch ending {
        case .open:
            consumer = .waiting
            return .wait
        case .closing(let error):
            ending = .ended
            return .end(error)
        case .ended:
            return .end(nil)
        }
    }

    @inlinable
    func fits(_ entry: Entry) -> Bool {
        backlog.count < limits.count && entry.bytes <= limits.bytes - backlog.bytes
    }

    @inlinable
    mutating func refuse(_ reason: QueueRefusal) -> QueueAdmission {
        counters.countRefusal(reason)
        return .refused(reason)
    }

    @inlinable
    mutating func append(_ entry: Entry, now: Duration?, _ effects: inout Effects) {
        var entry = entry
        if let now, let timeToLive = limits.timeToLive { entry.expiry = now + timeToLive }
        if limits.policy != .latestPerKey { entry.key = nil }
        backlog.append(entry, at: nextOffset)
        nextOffset &+= 1
        counters.accepted &+= 1
        wakeConsumer(&effects)
    }

    /// Drops until the limits hold again; never the newest element, which alone is within them.
    @inlinable
    mutating func dropExcess(_ effects: inout Effects) -> Int {
        var dropped = 0
        while backlog.count > limits.count || backlog.bytes > limits.bytes {
            if let entry = backlog.popOvertaken() {
                counters.overtaken &+= 1
                effects.drop(entry)
            } else if let (_, entry) = backlog.popFirst() {
                counters.droppedOldest &+= 1
                effects.drop(entry)
            } else {
                break
            }
            dropped += 1
        }
        return dropped
    }

    @inlinable
    mutating func makeRoom(now: Duration?, _ effects: inout Effects) {
        if let now {
            // All live equally long, so the oldest expires first.
            while let expiry = backlog.firstExpiry, expiry <= now, let (_, entry) = backlog.popFirst() {
                counters.expired &+= 1
                effects.drop(entry)
            }
        }
        admitProducers(now: now, &effects)
    }

    @inlinable
    mutating func admitProducers(now: Duration?, _ effects: inout Effects) {
        while !producers.isEmpty, fits(producers[0].entry) {
            let first = producers.removeFirst()
            append(first.entry, now: now, &effects)
            effects.admitted.append(first.producer)
            notePeak()
        }
    }

    @usableFromInline
    mutating func finish(with error: QueueError?, _ effects: inout Effects) {
        ending = .closing(error)
        if let first = producers.first { firstRejected = first.id }
        for waiting in producers {
            counters.countRefusal(.closed)
            effects.rejected.append(waiting.producer)
            effects.drop(waiting.entry)
        }
        producers.removeAll()
        wakeConsumer(&effects)
    }

    @inlinable
    mutating func wakeConsumer(_ effects: inout Effects) {
        guard consumer == .waiting else { return }
        consumer = .woken
        effects.wakesConsumer = true
    }

    @inlinable
    mutating func notePeak() {
        counters.peakCount = max(counters.peakCount, backlog.count)
        counters.peakBytes = max(counters.peakBytes, backlog.bytes)
    }
}
