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

    /// Lets consumers whose policy keeps old messages set them aside before the ring drops them.
    func makeRoomForEntry() {
        guard !pinningConsumers.isEmpty, entries.isFull else { return }
        let counters = context.shared.counters
        for consumer in pinningConsumers { consumer.ringWillDrop(entries) { counters.lost($0) } }
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
                && entries.nextOffset - min(entries.nextOffset, consumer.cursor) >= UInt64(consumer.limit)
        }
    }

    /// Wakes those who wait to publish, if they may.
    func unblockPublishers() {
        guard !blockedPublishers.isEmpty, !isBlocked else { return }
        let waiting = blockedPublishers
        blockedPublishers = []
        for wake in waiting { wake() }
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
        let waiting = blockedPublishers
        blockedPublishers = []
        blockers = 0
        for wake in waiting { wake() }
    }
}
