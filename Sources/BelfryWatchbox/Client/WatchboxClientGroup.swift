// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import DequeModule

/// A group that is listened to: its readers, and where it stands with the server.
///
/// Loop-confined.
final class WatchboxClientGroup {
    typealias Message = WatchboxClient.Message

    private struct Listener {
        let number: UInt64
        let queue: Queue<Message>
        /// The policy is `.suspend`, so a full queue is waited for.
        let isLossless: Bool
    }

    let name: String
    private let loop: EventLoop
    /// The server has said so since the last registration.
    var isMember = false
    /// The first message that the client does not have; of servers that say it.
    var next: RoomPosition?
    /// No question before this time of the loop's clock.
    var notBefore: Int64 = 0
    private var listeners: [Listener] = []
    /// Messages for readers that lose nothing and are behind: at most those of one answer.
    private var backlog: Deque<(number: UInt64, message: Message)> = []
    private var drain: Task<Void, Never>?

    init(_ name: String, on loop: EventLoop) {
        self.name = name
        self.loop = loop
    }

    var isEmpty: Bool { listeners.isEmpty }
    /// A reader is behind that loses nothing: no more is fetched for now.
    var isHeld: Bool { !backlog.isEmpty }

    func add(_ queue: Queue<Message>, number: UInt64, isLossless: Bool) {
        listeners.append(Listener(number: number, queue: queue, isLossless: isLossless))
    }

    func remove(_ number: UInt64) {
        guard let index = listeners.firstIndex(where: { $0.number == number }) else { return }
        // Who waits for room there goes on.
        listeners.remove(at: index).queue.close()
    }

    /// Gives a message to all readers; calls `room` once those that were behind have caught up.
    func deliver(_ message: Message, room: @escaping () -> Void) {
        for listener in listeners {
            let isBehind = listener.isLossless && backlog.contains { $0.number == listener.number }
            guard !isBehind else {
                backlog.append((listener.number, message))
                continue
            }
            // A `dropNewest` queue announces its loss itself.
            guard case .refused(.full) = listener.queue.send(message), listener.isLossless else { continue }
            backlog.append((listener.number, message))
        }
        guard isHeld, drain == nil else { return }
        let this = LoopConfined(onLoop: (group: self, room: room), loop)
        drain = Task(executorPreference: loop) {
            await this.value.group.catchUp()
            this.value.room()
        }
    }

    private func catchUp() async {
        while !Task.isCancelled, let (number, message) = backlog.first {
            if let listener = listeners.first(where: { $0.number == number }) {
                // Closed with its reader: nobody is left who could miss it.
                try? await listener.queue.sendWaiting(message)
            }
            _ = backlog.popFirst()
        }
        drain = nil
    }

    /// Ends the readers' sequences: with nil, or with an error.
    func end(_ error: WatchboxClientError?) {
        drain?.cancel()
        backlog = []
        let ended = listeners
        listeners = []
        for listener in ended {
            if let error {
                listener.queue.fail(QueueError(.failed, message: error.message, cause: error))
            } else {
                listener.queue.close()
            }
        }
    }
}
