// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// Who reads what a client says to the server, and what there was no room for yet; loop-confined.
struct SessionListeners {
    /// The producer's ends; who reads holds the other.
    var queues: [UInt64: Queue<SessionMessage>] = [:]
    /// In order: what came before the client could be held back, and who still has to get it.
    var backlog: [(message: SessionMessage, to: [UInt64])] = []
    var isRetrying = false
}

// What a client says to the server itself.
extension Connection {
    /// The session's public face, the same as long as somebody holds it.
    func door() -> Session {
        if let session = heldDoor { return session }
        let session = Session(
            id: id,
            frontEnd: frontEnd.name,
            peer: peer,
            context: LoopConfined(onLoop: context, context.loop),
            loop: context.loop
        )
        heldDoor = session
        return session
    }

    /// For front-ends: the client said something that is not meant for a room.
    ///
    /// While a reader has no room for it the client is not read from; what it had sent before still comes and is kept.
    /// Without readers it is forgotten.
    package func deliver(event: String, _ payload: Payload) {
        guard !listeners.queues.isEmpty else { return }
        listeners.backlog.append((SessionMessage(event: event, payload: payload), Array(listeners.queues.keys)))
        if listeners.backlog.count == 1 { deliverBacklog() }
    }

    /// Whether somebody in the process reads what the client says.
    package var hasReaders: Bool { isHeard }

    func addListener(_ configuration: Queue<SessionMessage>.Configuration) -> Queue<SessionMessage> {
        let queue = Queue<SessionMessage>(configuration)
        let number = context.nextNumber()
        listeners.queues[number] = queue
        isHeard = true
        let (id, loop, box) = (self.id, context.loop, LoopConfined(onLoop: context, context.loop))
        return queue.consumerEnd {
            loop.execute { box.value.connections[id]?.removeListener(number) }
        }
    }

    private func removeListener(_ number: UInt64) {
        listeners.queues.removeValue(forKey: number)?.close()
        isHeard = !listeners.queues.isEmpty
    }

    /// Ends the sequences behind what they hold; what no reader had room for is forced in, as the client is gone.
    func closeListeners() {
        for (message, numbers) in listeners.backlog {
            for number in numbers { listeners.queues[number]?.send(message, force: true) }
        }
        listeners.backlog = []
        for queue in listeners.queues.values { queue.close() }
        listeners.queues = [:]
        isHeard = false
    }

    private func deliverBacklog() {
        while let (message, numbers) = listeners.backlog.first {
            let left = numbers.filter { number in
                guard let queue = listeners.queues[number] else { return false }
                switch queue.send(message) {
                case .refused(.full): return true
                // Alone larger than the reader's limit: it would never fit.
                case .refused(.tooLarge): return queue.send(message, force: true) == .refused(.full)
                default: return false
                }
            }
            guard left.isEmpty else {
                listeners.backlog[0].to = left
                return holdForReaders()
            }
            listeners.backlog.removeFirst()
        }
        setHeldByReaders(false)
    }

    /// A queue doesn't say when it has room again, so this asks, every few milliseconds while a client is held back.
    private func holdForReaders() {
        setHeldByReaders(true)
        guard !listeners.isRetrying else { return }
        listeners.isRetrying = true
        context.loop.schedule(after: .milliseconds(5)) { [weak self] in
            guard let self else { return }
            self.listeners.isRetrying = false
            self.deliverBacklog()
        }
    }
}
