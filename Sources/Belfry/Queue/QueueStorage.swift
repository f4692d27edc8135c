// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryIO

/// What became of an element whose producer waited.
@usableFromInline
enum QueueVerdict: Sendable {
    case admitted, rejected
}

/// A queue's state machine behind its lock, and the tasks that wait on it.
///
/// Whatever wakes somebody or runs foreign code (sizes, keys, the clock, `deinit`s) happens outside the lock.
///
/// What runs per element is inlinable, so that it is compiled for the element's type where the queue is used; not
/// specialised, an element costs ten times as much.
@usableFromInline
final class QueueStorage<Value: Sendable>: Sendable {
    @usableFromInline typealias Producer = Parker<QueueVerdict>
    @usableFromInline typealias Machine = QueueStateMachine<Value, Producer>
    @usableFromInline typealias Delivery = Queue<Value>.Delivery

    @usableFromInline let configuration: Queue<Value>.Configuration
    @usableFromInline let start: ContinuousClock.Instant
    @usableFromInline let machine: Lock<Machine>
    @usableFromInline let consumer = Parker<Void>()

    init(_ configuration: Queue<Value>.Configuration) {
        self.configuration = configuration
        self.start = configuration.now()
        self.machine = Lock(Machine(limits: configuration.limits))
    }

    // MARK: Producing

    @inlinable
    func send(_ value: Value, force: Bool) -> QueueAdmission {
        let entry = entry(for: value)
        let now = now()
        let (admission, effects) = machine.withLock { $0.send(entry, force: force, now: now) }
        perform(effects)
        return admission
    }

    @inlinable
    func sendWaiting(_ value: Value, isolation: isolated (any Actor)?) async throws(QueueError) {
        guard !Task.isCancelled else { throw .cancelledWhileSending }
        let entry = entry(for: value)
        let now = now()
        // Made only to wait: usually there is room.
        var producer: Producer?
        let (step, effects) = machine.withLock {
            $0.sendWaiting(entry, producer: Producer.make(&producer), now: now)
        }
        perform(effects)
        switch step {
        case .accepted: return
        case .refused(let reason): throw QueueError(reason)
        case .wait(let id):
            switch await producer?.park(isolation: isolation) {
            case .value(.admitted): return
            case .value(.rejected): throw QueueError(QueueRefusal.closed)
            case .cancelled, nil: try cancelSend(id)
            }
        }
    }

    /// Returns if the element was queued before the cancellation came.
    @usableFromInline
    func cancelSend(_ id: UInt64) throws(QueueError) {
        let now = now()
        let (outcome, effects) = machine.withLock { $0.cancelSend(id, now: now) }
        perform(effects)
        switch outcome {
        case .removed: throw .cancelledWhileSending
        case .wasRejected: throw QueueError(QueueRefusal.closed)
        case .wasAdmitted: return
        }
    }

    func finish(with error: QueueError?) {
        perform(machine.withLock { $0.finish(with: error) })
    }

    func removeExpired() {
        let now = now()
        perform(machine.withLock { $0.removeExpired(now: now) })
    }

    var statistics: QueueStatistics {
        machine.withLock { $0.statistics }
    }

    // MARK: Consuming

    @inlinable
    func next(isolation: isolated (any Actor)?) async throws(QueueError) -> Delivery? {
        try await fetch(isolation: isolation) { machine, resuming, now in
            machine.next(resuming: resuming, now: now)
        }
    }

    @inlinable
    func nextBatch(upTo max: Int, isolation: isolated (any Actor)?) async throws(QueueError) -> [Delivery]? {
        try await fetch(isolation: isolation) { machine, resuming, now in
            machine.nextBatch(upTo: max, resuming: resuming, now: now)
        }
    }

    @inlinable
    func fetch<Output: Sendable>(
        isolation: isolated (any Actor)?,
        _ ask: (inout Machine, _ resuming: Bool, Duration?) -> (QueueStep<Output>, Machine.Effects)
    ) async throws(QueueError) -> Output? {
        var resuming = false
        while true {
            let now = now()
            let (step, effects) = machine.withLock { ask(&$0, resuming, now) }
            perform(effects)
            switch step {
            case .deliver(let output): return output
            case .end(let error?): throw error
            case .end(nil): return nil
            case .busy: throw .consumerBusy
            case .wait:
                // A wake may be an old one: whoever wakes asks again.
                if case .cancelled = await consumer.park(isolation: isolation) {
                    machine.withLock { $0.cancelNext() }
                    throw .cancelledWhileReceiving
                }
                resuming = true
            }
        }
    }

    // MARK: Steps

    @inlinable
    func entry(for value: Value) -> QueueEntry<Value> {
        var entry = QueueEntry(value: value)
        if let size = configuration.size { entry.bytes = max(0, size(value)) }
        if configuration.policy == .latestPerKey {
            entry.key = if let key = configuration.key { QueueKey(key(value)) } else { .only }
        }
        return entry
    }

    @inlinable
    func now() -> Duration? {
        configuration.timeToLive == nil ? nil : start.duration(to: configuration.now())
    }

    @inlinable
    func perform(_ effects: Machine.Effects) {
        if effects.wakesConsumer { consumer.unpark() }
        for producer in effects.admitted { producer.unpark(.admitted) }
        for producer in effects.rejected { producer.unpark(.rejected) }
    }
}

extension Parker {
    /// A new one, which is also left in `place`.
    @inlinable
    static func make(_ place: inout Parker?) -> Parker {
        let parker = Parker()
        place = parker
        return parker
    }
}

extension QueueError {
    @usableFromInline static var cancelledWhileSending: QueueError {
        QueueError(.cancelled, message: "cancelled while waiting for room; the element was not queued")
    }

    @usableFromInline static var cancelledWhileReceiving: QueueError {
        QueueError(.cancelled, message: "cancelled while waiting for an element")
    }

    @usableFromInline static var consumerBusy: QueueError {
        QueueError(.consumerBusy, message: "another task waits for this queue's next element")
    }
}
