// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

internal import BelfryIO

/// A queue's state machine behind its lock, and the tasks that wait on it.
///
/// Whatever wakes somebody or runs foreign code (sizes, keys, the clock, `deinit`s) happens outside the lock.
final class QueueStorage<Value: Sendable>: Sendable {
    enum Verdict: Sendable {
        case admitted, rejected
    }

    typealias Producer = Parker<Verdict>
    typealias Machine = QueueStateMachine<Value, Producer>
    typealias Delivery = Queue<Value>.Delivery

    private let configuration: Queue<Value>.Configuration
    private let start: ContinuousClock.Instant
    private let machine: Lock<Machine>
    private let consumer = Parker<Void>()

    init(_ configuration: Queue<Value>.Configuration) {
        self.configuration = configuration
        self.start = configuration.now()
        self.machine = Lock(Machine(limits: configuration.limits))
    }

    // MARK: Producing

    func send(_ value: Value, force: Bool) -> QueueAdmission {
        let entry = entry(for: value)
        let now = now()
        let (admission, effects) = machine.withLock { $0.send(entry, force: force, now: now) }
        perform(effects)
        return admission
    }

    func sendWaiting(_ value: Value, isolation: isolated (any Actor)?) async throws(QueueError) {
        guard !Task.isCancelled else { throw .cancelledWhileSending }
        let entry = entry(for: value)
        let now = now()
        let producer = Producer()
        let (step, effects) = machine.withLock { $0.sendWaiting(entry, producer: producer, now: now) }
        perform(effects)
        switch step {
        case .accepted: return
        case .refused(let reason): throw QueueError(reason)
        case .wait(let id):
            switch await producer.park(isolation: isolation) {
            case .value(.admitted): return
            case .value(.rejected): throw QueueError(QueueRefusal.closed)
            case .cancelled: try cancelSend(id)
            }
        }
    }

    /// Returns if the element was queued before the cancellation came.
    private func cancelSend(_ id: UInt64) throws(QueueError) {
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

    func next(isolation: isolated (any Actor)?) async throws(QueueError) -> Delivery? {
        try await fetch(isolation: isolation) { machine, resuming, now in
            machine.next(resuming: resuming, now: now)
        }
    }

    func nextBatch(upTo max: Int, isolation: isolated (any Actor)?) async throws(QueueError) -> [Delivery]? {
        try await fetch(isolation: isolation) { machine, resuming, now in
            machine.nextBatch(upTo: max, resuming: resuming, now: now)
        }
    }

    private func fetch<Output: Sendable>(
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
            case .busy:
                throw QueueError(.consumerBusy, message: "another task waits for this queue's next element")
            case .wait:
                // A wake may be an old one: whoever wakes asks again.
                if case .cancelled = await consumer.park(isolation: isolation) {
                    machine.withLock { $0.cancelNext() }
                    throw QueueError(.cancelled, message: "cancelled while waiting for an element")
                }
                resuming = true
            }
        }
    }

    // MARK: Steps

    private func entry(for value: Value) -> QueueEntry<Value> {
        var entry = QueueEntry(value: value)
        if let size = configuration.size { entry.bytes = max(0, size(value)) }
        if configuration.policy == .latestPerKey {
            // Without a key function all elements are values of one thing.
            entry.key = configuration.key.map { QueueKey($0(value)) } ?? QueueKey(0)
        }
        return entry
    }

    private func now() -> Duration? {
        configuration.timeToLive == nil ? nil : start.duration(to: configuration.now())
    }

    private func perform(_ effects: Machine.Effects) {
        if effects.wakesConsumer { consumer.unpark() }
        for producer in effects.admitted { producer.unpark(.admitted) }
        for producer in effects.rejected { producer.unpark(.rejected) }
    }
}

extension QueueError {
    fileprivate static var cancelledWhileSending: QueueError {
        QueueError(.cancelled, message: "cancelled while waiting for room; the element was not queued")
    }
}
