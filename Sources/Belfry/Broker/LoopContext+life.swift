// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

extension LoopContext {
    /// Looks after time-outs about once a second; during a drain too, for clients that do not answer.
    func startTicking() {
        guard !hasEnded else { return }
        // Holds the context as long as the loop runs. A weak reference would cost every use of it the slow path.
        loop.schedule(after: .seconds(1)) { [self] in
            let now = turnTime
            for connection in connections.values { connection.handler?.tick(now: now) }
            letPassingGo()
            expireHistory()
            attachToStore()
            metrics?.update(shared.statistics)
            if index == 0 { giveMemoryBack() }
            startTicking()
        }
    }

    /// After a crowd, or much that waited for slow clients, the allocator would keep the memory for good.
    private func giveMemoryBack() {
        let statistics = shared.statistics
        let bytes = statistics.frameLogBytes + statistics.connections * 2_048
        mostBytes = max(mostBytes, bytes)
        guard mostBytes - bytes >= Self.worthGivingBack else { return }
        mostBytes = bytes
        ProcessMemory.giveBack()
    }

    private static let worthGivingBack = 16 * 1024 * 1024

    /// Rooms that nobody is in go when the last message of theirs has outlived its time.
    private func expireHistory() {
        guard shared.configuration.history.timeToLive != nil else { return }
        for room in Array(rooms.values) {
            room.entries.expire(now: wallClock)
            removeIfIdle(room)
        }
    }

    private func letPassingGo() {
        let rooms = passing
        passing.removeAll()
        for room in rooms {
            room.isPassing = false
            removeIfIdle(room)
        }
    }

    private func attachToStore() {
        guard !unattached.isEmpty, shared.configuration.store?.status.degradation == nil else { return }
        for name in unattached {
            guard let room = rooms[name], room.stored == nil else {
                unattached.remove(name)
                continue
            }
            room.attachToStore()
        }
    }

    /// Tells all clients goodbye.
    func drain() {
        isStopped = true
        for connection in Array(connections.values) { connection.handler?.drain() }
    }

    /// Ends rooms and drops what is still connected.
    func stop() {
        isStopped = true
        hasEnded = true
        metrics?.update(shared.statistics)
        for connection in Array(connections.values) { connection.fail(.local) }
        for room in Array(rooms.values) {
            room.close()
            shared.counters.closed(room)
        }
        rooms = [:]
        taps = []
        passing = []
        handToStore()
    }

    /// Lets go of what was meant for other loops and will not be handed over: it may hold this context.
    func forgetHandOvers() {
        handToStore()
        let forgotten = outgoing
        outgoing = outgoing.map { _ in [] }
        withExtendedLifetime(forgotten) {}
    }
}

extension BrokerShared {
    func waitUntilStopped() async {
        for loop in loops { await loop.waitUntilStopped() }
    }
}

extension RoomCore {
    /// The actor that stands before this room, the same as long as somebody holds it.
    func door() -> Room {
        if let room = heldDoor { return room }
        let room = Room(LoopConfined(onLoop: self, context.loop), name: name, epoch: epoch, loop: context.loop)
        heldDoor = room
        isPinned = true
        return room
    }
}
