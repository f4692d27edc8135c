// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO

/// Who hears of what happens at one worker: callbacks and readers, and what it has to send.
final class WorkerOutlets<ID1: ServiceID, ID2: ServiceID>: Sendable {
    typealias Connection = ChatBox<ID1, ID2>.Connection
    typealias Message = ChatBox<ID1, ID2>.Message

    /// One of each kind at most; ids as their texts.
    struct Callbacks: Sendable {
        var received: (@Sendable (Message) async throws -> Void)?
        var create: (@Sendable (_ peer: String) async throws -> String)?
        var accessed: (@Sendable (Connection) async throws -> Void)?
    }

    private let registered = Lock(Callbacks())
    let messages = ReaderList<Message>()
    let accesses = ReaderList<Connection>()
    let creations = ReaderList<Connection>()
    let sendQueue: Queue<Message>
    private let limit: Int

    init(_ configuration: ChatBoxConfiguration) {
        limit = configuration.receiveQueueLimit
        sendQueue = Queue(.init(limit: configuration.sendQueueLimit, policy: .suspend))
    }

    var callbacks: Callbacks { registered.withLock { $0 } }

    func register(_ change: @Sendable (inout Callbacks) -> Void) { registered.withLock { change(&$0) } }

    /// Lets go of what may hold the box.
    func forgetCallbacks() {
        let old = registered.withLock { callbacks in
            let old = callbacks
            callbacks = Callbacks()
            return old
        }
        // Released here, outside the lock.
        withExtendedLifetime(old) {}
    }

    func reader<Event>(of list: ReaderList<Event>) -> Queue<Event> {
        list.add(Queue(.init(limit: limit, policy: .dropOldest)))
    }
}
