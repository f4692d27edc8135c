// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

internal import DequeModule

/// The bounds of a queue, brought into range.
struct QueueLimits: Sendable {
    var count = 50
    var bytes = Int.max
    var timeToLive: Duration?
    var policy = OverflowPolicy.dropOldest
}

/// What is left to do for a caller of the state machine once it has let go of the lock.
struct QueueEffects<Value: Sendable, Producer: Sendable>: Sendable {
    /// The consumer waits and now has something to fetch.
    var wakesConsumer = false
    /// Producers whose element is queued now.
    var admitted: [Producer] = []
    /// Producers whose element will never be queued.
    var rejected: [Producer] = []
    /// An element that was dropped, carried out so that its `deinit` doesn't run under the lock.
    var dropped: QueueEntry<Value>?
    /// More of them.
    var alsoDropped: [QueueEntry<Value>] = []

    mutating func drop(_ entry: QueueEntry<Value>) {
        if dropped == nil { dropped = entry } else { alsoDropped.append(entry) }
    }
}

/// What a consumer that asked for something has to do.
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
enum QueueSendStep: Sendable, Equatable {
    case accepted
    case wait(UInt64)
    case refused(QueueRefusal)
}

/// What a producer finds that was cancelled while it waited.
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
struct QueueStateMachine<Value: Sendable, Producer: Sendable>: ~Copyable {
    typealias Delivery = Queue<Value>.Delivery
    typealias Effects = QueueEffects<Value, Producer>
    typealias Entry = QueueEntry<Value>

    private struct WaitingProducer {
        let id: UInt64
        let entry: Entry
        let producer: Producer
    }

    private enum Ending {
        case open
        case closing(QueueError?)
        case ended
    }

    private enum Consumer {
        case away, waiting, woken
    }

    private let limits: QueueLimits
    private var backlog = QueueBacklog<Value>()
    private var producers = Deque<WaitingProducer>()
    private var consumer = Consumer.away
    private var ending = Ending.open
    private var counters = QueueStatistics()
    /// The offset of the next element offered.
    private var nextOffset: UInt64 = 0
    /// Up to here, exclusive, the consumer knows of every element, delivered or lost.
    private var announced: UInt64 = 0
    private var nextProducer: UInt64 = 0
    /// At the end of the queue: waiting producers from this one on were rejected, those before it admitted.
    private var firstRejected = UInt64.max

    init(limits: QueueLimits) {
        self.limits = limits
    }

    var statistics: QueueStatistics {
        var result = counters
        result.currentCount = backlog.count
        result.currentBytes = backlog.bytes
        result.waitingProducers = producers.count
        return result
    }

    // MARK: Producing

    /// Offers an element; with `force` past every limit, but not past the end.
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

    /// Queues an element, or the producer until there is room for it.
    mutating func sendWaiting(_ entry: Entry, producer: Producer, now: Duration?) -> (QueueSendStep, Effects) {
        var effects = Effects()
        guard case .open = ending else {
            counters.refused &+= 1
            return (.refused(.closed), effects)
        }
        makeRoom(now: now, &effects)
        guard entry.bytes <= limits.bytes else {
            counters.refused &+= 1
            return (.refused(.tooLarge), effects)
        }
        if fits(entry) && producers.isEmpty {
            append(entry, now: now, &effects)
            notePeak()
            return (.accepted, effects)
        }
        nextProducer &+= 1
        producers.append(WaitingProducer(id: nextProducer, entry: entry, producer: producer))
        return (.wait(nextProducer), effects)
    }

    /// Withdraws a waiting producer's element, unless its fate is decided already.
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
    mutating func finish(with error: QueueError?) -> Effects {
        var effects = Effects()
        if case .open = ending { finish(with: error, &effects) }
        return effects
    }

    /// Drops what has outlived its time, and lets waiting producers in.
    mutating func removeExpired(now: Duration?) -> Effects {
        var effects = Effects()
        makeRoom(now: now, &effects)
        return effects
    }

    // MARK: Consuming

    /// Hands out the next element or gap; `resuming` says that the caller is the one that waited.
    mutating func next(resuming: Bool, now: Duration?) -> (QueueStep<Delivery>, Effects) {
        var effects = Effects()
        return (next(resuming: resuming, now: now, &effects), effects)
    }

    /// Hands out what is there, at most `max` elements and gaps, at least one.
    mutating func nextBatch(upTo max: Int, resuming: Bool, now: Duration?) -> (QueueStep<[Delivery]>, Effects) {
        var effects = Effects()
        switch next(resuming: resuming, now: now, &effects) {
        case .end(let error): return (.end(error), effects)
        case .wait: return (.wait, effects)
        case .busy: return (.busy, effects)
        case .deliver(let first):
            var batch = [first]
            while batch.count < max, backlog.count > 0 || announced != nextOffset {
                guard case .deliver(let more) = next(resuming: false, now: now, &effects) else { break }
                batch.append(more)
            }
            return (.deliver(batch), effects)
        }
    }

    /// The waiting consumer gives up.
    mutating func cancelNext() {
        consumer = .away
    }

    // MARK: Steps

    private mutating func next(resuming: Bool, now: Duration?, _ effects: inout Effects) -> QueueStep<Delivery> {
        guard resuming || consumer == .away else { return .busy }
        consumer = .away
        makeRoom(now: now, &effects)
        let reached = backlog.first?.offset ?? nextOffset
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

    private func fits(_ entry: Entry) -> Bool {
        backlog.count < limits.count && entry.bytes <= limits.bytes - backlog.bytes
    }

    private mutating func refuse(_ reason: QueueRefusal) -> QueueAdmission {
        counters.refused &+= 1
        return .refused(reason)
    }

    private mutating func append(_ entry: Entry, now: Duration?, _ effects: inout Effects) {
        var entry = entry
        if let now, let timeToLive = limits.timeToLive { entry.expiry = now + timeToLive }
        if limits.policy != .latestPerKey { entry.key = nil }
        backlog.append(entry, at: nextOffset)
        nextOffset &+= 1
        counters.accepted &+= 1
        wakeConsumer(&effects)
    }

    /// Drops until the limits hold again; never the newest element, which alone is within them.
    private mutating func dropExcess(_ effects: inout Effects) -> Int {
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

    private mutating func makeRoom(now: Duration?, _ effects: inout Effects) {
        if let now {
            // All live equally long, so the oldest expires first.
            while let expiry = backlog.first?.expiry, expiry <= now, let (_, entry) = backlog.popFirst() {
                counters.expired &+= 1
                effects.drop(entry)
            }
        }
        admitProducers(now: now, &effects)
    }

    private mutating func admitProducers(now: Duration?, _ effects: inout Effects) {
        while let first = producers.first, fits(first.entry) {
            producers.removeFirst()
            append(first.entry, now: now, &effects)
            effects.admitted.append(first.producer)
            notePeak()
        }
    }

    private mutating func finish(with error: QueueError?, _ effects: inout Effects) {
        ending = .closing(error)
        if let first = producers.first { firstRejected = first.id }
        for waiting in producers {
            counters.refused &+= 1
            effects.rejected.append(waiting.producer)
            effects.drop(waiting.entry)
        }
        producers.removeAll()
        wakeConsumer(&effects)
    }

    private mutating func wakeConsumer(_ effects: inout Effects) {
        guard consumer == .waiting else { return }
        consumer = .woken
        effects.wakesConsumer = true
    }

    private mutating func notePeak() {
        counters.peakCount = max(counters.peakCount, backlog.count)
        counters.peakBytes = max(counters.peakBytes, backlog.bytes)
    }
}
