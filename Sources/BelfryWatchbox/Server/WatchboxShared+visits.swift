// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import Synchronization

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
            let (isMember, entry) = hub.next(for: visit.question.client, in: name, on: context)
            guard isMember else { return visit.isMember = false }
            guard let entry else { break }
            visit.found.append(WatchboxFound(group: name, json: entry.json, offset: entry.offset))
            visit.bytes += entry.json.count
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
            visit.found.append(WatchboxFound(group: Self.serverGroup, json: json, offset: nil))
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

    /// Forgets who waited, at the homes of its groups.
    func removeWaiter(
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
