// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import DequeModule

/// A pair that is active, or whose last messages are still being handed over; confined to the box's core.
final class PairState<ID1: ServiceID, ID2: ServiceID> {
    typealias Message = ChatBox<ID1, ID2>.Message

    let connection: ChatBox<ID1, ID2>.Connection
    /// The ids' texts, by side.
    let keys: [IDKey]
    /// Accesses without their deactivation.
    var accesses = 0
    /// Counts the ends, so that an access that waited notices one.
    var generation = 0
    private(set) var sides = [Side(), Side()]
    /// Who waits to send because too much is undelivered.
    var senders: Deque<Parker<Void>> = []

    /// What one worker has of the pair.
    struct Side {
        var isActive = false
        var readers = ReaderList<Message>()
        /// A queue that has been filled since an access, until the first one asks for it.
        var untaken: Queue<Message>?
        /// Messages that are to be stored or handed over.
        var undelivered = 0
        var lane: Deque<Delivery> = []
        var drain: Task<Void, Never>?
    }

    /// A message for a callback, and who reads when that has returned.
    struct Delivery {
        let message: Message
        let readers: ReaderList<Message>
    }

    init(_ connection: ChatBox<ID1, ID2>.Connection) {
        self.connection = connection
        keys = [
            IDKey(.service1, connection.service1ID.serviceText), IDKey(.service2, connection.service2ID.serviceText),
        ]
    }

    subscript(side: SentBy) -> Side {
        _read { yield sides[side.rawValue] }
        _modify { yield &sides[side.rawValue] }
    }

    /// Whether nothing refers to it any more but the core's table.
    var isIdle: Bool {
        accesses == 0 && senders.isEmpty && sides.allSatisfy { !$0.isActive && $0.undelivered == 0 && $0.drain == nil }
    }

    /// The most that waits for one of the workers.
    var undelivered: Int { max(sides[0].undelivered, sides[1].undelivered) }
}
