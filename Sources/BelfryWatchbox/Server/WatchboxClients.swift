// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import DequeModule
import Synchronization

/// Who is registered: a table under locks, in parts, so that loops seldom meet.
///
/// A client is here whichever connection it uses; its places in groups are at the groups' homes.
final class WatchboxClients: Sendable {
    /// What waits for a message at some loop.
    struct Waiter: Sendable, Hashable {
        /// The held request's number.
        let number: UInt64
        /// Its loop.
        let loop: Int
    }

    /// A reply that waits.
    struct Reply: Sendable {
        let json: [UInt8]
        /// When it came, by the loop's clock.
        let time: Int64
    }

    /// What becomes of a reply.
    enum ReplyAdmission: Sendable {
        case queued([Waiter])
        case isFull, noClient
    }

    struct Client: Sendable {
        /// When it last asked for something, by the loops' clock.
        var lastSeen: Int64
        /// Requests of it that are held.
        var held = 0
        var groups: [String] = []
        var hasJoinedServer = false
        /// Replies, made when there is the first.
        var replies: Deque<Reply>?
        var replyBytes = 0
        /// Who waits for replies.
        var waiters: [Waiter] = []
    }

    private static let partCount = 16
    private let parts = (0..<partCount).map { _ in Part() }
    private let total = Atomic<Int>(0)

    private final class Part: Sendable {
        let clients = Lock<[ClientID: Client]>([:])
    }

    private func part(_ id: ClientID) -> Part { parts[id.part(of: Self.partCount)] }

    /// How many there are.
    var count: Int { total.load(ordering: .relaxed) }

    /// Adds a client; nil when there are too many.
    func register(now: Int64, limit: Int) -> ClientID? {
        guard total.add(1, ordering: .relaxed).newValue <= limit else {
            total.subtract(1, ordering: .relaxed)
            return nil
        }
        let id = ClientID.random()
        part(id).clients.withLock { $0[id] = Client(lastSeen: now) }
        return id
    }

    /// Stamps a client; false when it is not registered.
    func touch(_ id: ClientID, now: Int64) -> Bool {
        part(id).clients.withLock { $0[id]?.touch(now) ?? false }
    }

    /// Whether a client is registered.
    func contains(_ id: ClientID) -> Bool { part(id).clients.withLock { $0[id] != nil } }

    /// Changes a client; nil when it is not registered.
    func change<Answer: Sendable>(_ id: ClientID, _ body: @Sendable (inout Client) -> Answer) -> Answer? {
        part(id).clients.withLock { clients in
            guard let place = clients.index(forKey: id) else { return nil }
            return body(&clients.values[place])
        }
    }

    /// Takes out all who have been silent for longer than a time, and gives their groups.
    func removeSilent(since oldest: Int64) -> [(id: ClientID, groups: [String])] {
        var gone: [(id: ClientID, groups: [String])] = []
        for part in parts {
            let found = part.clients.withLock { clients -> [(id: ClientID, groups: [String])] in
                var found: [(id: ClientID, groups: [String])] = []
                for (id, client) in clients where client.held == 0 && client.lastSeen < oldest {
                    found.append((id, client.groups))
                }
                for (id, _) in found { clients[id] = nil }
                return found
            }
            gone += found
        }
        total.subtract(gone.count, ordering: .relaxed)
        return gone
    }

    /// Drops replies that came before a time.
    func dropReplies(before oldest: Int64) {
        for part in parts {
            part.clients.withLock { clients in
                let late = clients.filter { $0.value.replies?.first.map { $0.time < oldest } ?? false }.map(\.key)
                for id in late { clients[id]?.dropReplies(before: oldest) }
            }
        }
    }
}

extension WatchboxClients.Client {
    fileprivate mutating func touch(_ now: Int64) -> Bool {
        lastSeen = max(lastSeen, now)
        return true
    }

    /// Queues a reply; its own waiters are told.
    mutating func add(
        _ reply: WatchboxClients.Reply,
        limit: Int,
        maxBytes: Int,
        force: Bool
    ) -> WatchboxClients.ReplyAdmission {
        let size = reply.json.count
        guard force || replies?.count ?? 0 < limit, replyBytes + size <= maxBytes || replyBytes == 0 else {
            return .isFull
        }
        replies = replies ?? []
        replies?.append(reply)
        replyBytes += size
        defer { waiters = [] }
        return .queued(waiters)
    }

    /// The oldest reply that is no older than a time.
    mutating func takeReply(notBefore oldest: Int64) -> [UInt8]? {
        dropReplies(before: oldest)
        guard let reply = replies?.popFirst() else { return nil }
        replyBytes -= reply.json.count
        if replies?.isEmpty == true { replies = nil }
        return reply.json
    }

    mutating func dropReplies(before oldest: Int64) {
        while let first = replies?.first, first.time < oldest {
            replies?.removeFirst()
            replyBytes -= first.json.count
        }
        if replies?.isEmpty == true { replies = nil }
    }
}
