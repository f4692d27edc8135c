// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

extension LoopContext {
    /// Looks after time-outs about once a second.
    func startTicking() {
        guard !isStopped else { return }
        loop.schedule(after: .seconds(1)) { [weak self] in
            guard let self else { return }
            let now = self.turnTime
            for connection in self.connections.values { connection.handler?.tick(now: now) }
            self.startTicking()
        }
    }

    /// Tells all clients goodbye.
    func drain() {
        isStopped = true
        for connection in connections.values { connection.handler?.drain() }
    }

    /// Ends rooms and drops what is still connected.
    func stop() {
        isStopped = true
        for room in rooms.values { room.close() }
        for connection in connections.values { connection.fail(.local) }
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
