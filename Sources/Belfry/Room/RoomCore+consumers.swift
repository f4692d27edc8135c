// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

// Subscribers in this process.
extension RoomCore {
    /// Adds a consumer; it is told apart by the number that comes back.
    func addConsumer(_ consumer: RoomConsumer) -> UInt64 {
        let number = context.nextNumber()
        consumers[number] = consumer
        updateConsumerLimits()
        return number
    }

    func removeConsumer(_ number: UInt64) {
        guard let consumer = consumers.removeValue(forKey: number) else { return }
        consumer.isFinished = true
        consumer.parker.unpark()
        updateConsumerLimits()
        unblockPublishers()
        context.removeIfIdle(self)
    }

    private func updateConsumerLimits() {
        pinningConsumers = consumers.values.filter { $0.policy != .dropOldest }
        hasPinningConsumers = !pinningConsumers.isEmpty
        // While nobody wanted entries, publishing did not look at them.
        if !entries.isWanted { entries.skip(to: nextOffset) }
        entries.setConsumerLimits(
            messages: consumers.values.reduce(0) { max($0, $1.limit) },
            bytes: consumers.values.reduce(0) { max($0, $1.maxBytes) }
        )
        updatePlainLog()
    }

    func removeWatcher(_ number: UInt64) {
        guard let watcher = presenceWatchers.removeValue(forKey: number) else { return }
        watcher.close()
        context.removeIfIdle(self)
    }

    /// Lets consumers whose policy keeps old messages set them aside before the ring drops them.
    func makeRoomForEntry(of bytes: Int) {
        guard !pinningConsumers.isEmpty else { return }
        let first = entries.firstOffset(afterAdding: bytes)
        guard first > entries.firstOffset else { return }
        let counters = context.shared.counters
        for consumer in pinningConsumers { consumer.ringWillDrop(before: first, entries) { counters.lost($0) } }
    }

    func wakeConsumers() {
        guard !waitingConsumers.isEmpty else { return }
        let waiting = waitingConsumers
        waitingConsumers.removeAll(keepingCapacity: true)
        for consumer in waiting {
            consumer.isWaiting = false
            consumer.parker.unpark()
        }
    }

    func noteWaiting(_ consumer: RoomConsumer) {
        guard !consumer.isWaiting else { return }
        consumer.isWaiting = true
        waitingConsumers.append(consumer)
    }

    /// Whether a publisher has to wait for a `.suspend` subscriber.
    var isBlocked: Bool {
        if blockers > 0 { return true }
        guard hasPinningConsumers else { return false }
        return pinningConsumers.contains { consumer in
            consumer.policy == .suspend && !consumer.isFinished
                && consumer.backlog(entries) >= consumer.limit
        }
    }

    /// Stops reading from a client that published while a `.suspend` subscriber is at its limit.
    func holdBack(_ session: SessionID) {
        guard heldBack.insert(session).inserted else { return }
        let name = self.name
        context.toLoop(session.loop) { $0.connections[session]?.hold(for: name) }
    }

    /// Wakes those who wait to publish, if they may.
    func unblockPublishers() {
        guard !blockedPublishers.isEmpty || !heldBack.isEmpty, !isBlocked else { return }
        wakePublishers()
    }

    private func wakePublishers() {
        for publisher in blockedPublishers.values { publisher.unpark() }
        blockedPublishers = [:]
        let name = self.name
        for session in heldBack {
            context.toLoop(session.loop) { $0.connections[session]?.release(from: name) }
        }
        heldBack = []
    }

    /// Ends all that hangs on the room: consumers see a normal end, watchers of presence too.
    func close() {
        for consumer in consumers.values {
            consumer.isFinished = true
            consumer.isWaiting = false
            consumer.parker.unpark()
        }
        waitingConsumers = []
        for watcher in presenceWatchers.values { watcher.close() }
        presenceWatchers = [:]
        blockers = 0
        wakePublishers()
        dropListeners()
    }
}
