// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import Synchronization

/// A `get` that is not answered at once: its groups are at home on other loops, or it waits for a message.
///
/// Loop-confined to its connection's loop. It visits the homes of its groups one after the other, taking what is there;
/// when there is nothing, it has left its number at each, is woken, and visits them again.
final class WatchboxPoll: HeldRequest {
    /// What it wants.
    struct Question: Sendable {
        let client: ClientID
        let groups: [String]
        /// How long it may wait, in milliseconds.
        let wait: Int
        /// The most messages; nil for one, as it is.
        let batch: Int?
    }

    /// On its way from home to home.
    struct Visit: Sendable {
        let question: Question
        let waiter: WatchboxClients.Waiter
        let waits: Bool
        /// The group that is next.
        var next = 0
        var found: [(group: String, json: [UInt8])] = []
        var bytes = 0
        var isMember = true

        /// Whether there is no more to be taken.
        var isFull: Bool { found.count >= max(1, question.batch ?? 1) || bytes >= WatchboxPoll.maxBytes }
    }

    private let question: Question
    private let shared: WatchboxShared
    private let context: LoopContext
    private let waiter: WatchboxClients.Waiter
    private var answer: ((Response) -> Void)?
    private var timer: TimerID?
    private var isVisiting = false
    private var wasWoken = false
    private var isOver = false

    /// Bytes of messages beyond which no further one is added to a batch.
    static let maxBytes = 1024 * 1024

    init(_ question: Question, _ shared: WatchboxShared, on context: LoopContext) {
        self.question = question
        self.shared = shared
        self.context = context
        waiter = WatchboxClients.Waiter(number: shared.broker.uniqueNumber(), loop: context.index)
    }

    // MARK: HeldRequest

    func begin(_ answer: @escaping (Response) -> Void) {
        self.answer = answer
        shared.hub(of: context).polls[waiter.number] = self
        _ = shared.clients.change(question.client) { $0.held += 1 }
        if question.wait > 0 {
            timer = context.loop.schedule(after: .milliseconds(question.wait)) { [weak self] in self?.release() }
        }
        visit()
    }

    func release() {
        isOver = true
        guard !isVisiting else { return }
        finish(WatchboxCode.nothing.response)
    }

    // MARK: Visits

    /// There may be something.
    func retry() {
        guard answer != nil else { return }
        guard !isVisiting else { return wasWoken = true }
        visit()
    }

    private func visit() {
        isVisiting = true
        wasWoken = false
        shared.visit(Visit(question: question, waiter: waiter, waits: question.wait > 0), on: context)
    }

    /// A visit is back.
    func visited(_ visit: Visit) {
        isVisiting = false
        if question.batch != nil, !visit.found.isEmpty {
            finish(WatchboxCode.response(MessageText.batch(visit.found)))
        } else if let first = visit.found.first {
            finish(WatchboxCode.response(first.json))
        } else if !visit.isMember {
            finish(WatchboxCode.noMember.response)
        } else if isOver || question.wait <= 0 {
            finish(WatchboxCode.nothing.response)
        } else if wasWoken {
            self.visit()
        }
    }

    private func finish(_ response: Response) {
        guard let answer = self.answer.take() else { return }
        context.loop.cancel(timer)
        shared.hub(of: context).polls[waiter.number] = nil
        let now = context.turnTime
        let waiter = self.waiter
        _ = shared.clients.change(question.client) {
            $0.held -= 1
            $0.lastSeen = max($0.lastSeen, now)
            $0.waiters.removeAll { $0 == waiter }
        }
        if question.wait > 0 { shared.removeWaiter(waiter, from: question.groups, context) }
        answer(response)
    }
}

extension WatchboxShared {
    /// Goes on with a visit: on this loop as long as the groups are at home here, then elsewhere, at last back.
    func visit(_ visit: WatchboxPoll.Visit, on context: LoopContext) {
        var visit = visit
        while visit.next < visit.question.groups.count, visit.isMember, !visit.isFull {
            let name = visit.question.groups[visit.next]
            if name == Self.serverGroup {
                takeReplies(&visit, context)
            } else {
                let home = broker.home(of: name)
                guard home == context.index else { return goOn(visit, to: home, from: context) }
                takeMessages(name, &visit, context)
            }
            visit.next += 1
        }
        goOn(visit, to: visit.waiter.loop, from: context)
    }

    private func goOn(_ visit: WatchboxPoll.Visit, to loop: Int, from context: LoopContext) {
        let isBack = visit.next >= visit.question.groups.count || !visit.isMember || visit.isFull
        context.toLoop(loop) { [self] in
            if isBack { hub(of: $0).polls[visit.waiter.number]?.visited(visit) } else { self.visit(visit, on: $0) }
        }
    }

    private func takeMessages(_ name: String, _ visit: inout WatchboxPoll.Visit, _ context: LoopContext) {
        let hub = hub(of: context)
        while !visit.isFull {
            let (isMember, json) = hub.next(for: visit.question.client, in: name, on: context)
            guard isMember else { return visit.isMember = false }
            guard let json else { break }
            visit.found.append((name, json))
            visit.bytes += json.count
            log.write(3, "client got messages from server '\(name)'")
        }
        if visit.waits, visit.found.isEmpty { hub.addWaiter(visit.waiter, to: name) }
    }

    private func takeReplies(_ visit: inout WatchboxPoll.Visit, _ context: LoopContext) {
        while !visit.isFull {
            let waiter = visit.waits && visit.found.isEmpty ? visit.waiter : nil
            guard let (isMember, json) = takeReply(visit.question.client, waiter, context), isMember else {
                return visit.isMember = false
            }
            guard let json else { return }
            visit.found.append((Self.serverGroup, json))
            visit.bytes += json.count
        }
    }

    /// The next reply for a client, or the one who waits for it is noted; nil when it is not registered.
    func takeReply(
        _ id: ClientID,
        _ waiter: WatchboxClients.Waiter?,
        _ context: LoopContext
    ) -> (isMember: Bool, json: [UInt8]?)? {
        let oldest = context.turnTime.subtracting(settings.ttl)
        let found = clients.change(id) { client -> (isMember: Bool, json: [UInt8]?) in
            guard client.hasJoinedServer else { return (false, nil) }
            let json = client.takeReply(notBefore: oldest)
            if json == nil, let waiter, !client.waiters.contains(waiter) { client.waiters.append(waiter) }
            return (true, json)
        }
        if found?.json != nil { log.write(3, "client got messages from server '\(Self.serverGroup)'") }
        return found
    }

    fileprivate func removeWaiter(
        _ waiter: WatchboxClients.Waiter,
        from groups: [String],
        _ context: LoopContext
    ) {
        for name in groups where name != Self.serverGroup {
            context.toLoop(broker.home(of: name)) { [self] in hub(of: $0).removeWaiter(waiter, from: name) }
        }
    }

    /// Sends a reply; from anywhere.
    func reply(_ json: [UInt8], to id: ClientID, force: Bool) -> Bool {
        let (limit, most) = (settings.listLimit, configuration.maxReplyBytes)
        let reply = WatchboxClients.Reply(json: json, time: latest.load(ordering: .relaxed))
        let admission = clients.change(id) { $0.add(reply, limit: limit, maxBytes: most, force: force) }
        switch admission ?? .noClient {
        case .queued(let waiters):
            wake(waiters)
            return true
        case .isFull: log.write(2, "reply refused: the client's limit is reached")
        case .noClient: log.write(2, "reply dropped: the client has gone")
        }
        return false
    }
}
