// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

// Joining, leaving and publishing. The room may be at home on another loop; what is asked of it arrives there in order.
extension Connection {
    /// Joins a room.
    ///
    /// Joining twice is the same as once.
    ///
    /// - Parameters:
    ///   - exclusive: Makes the room private to this session; other members leave it.
    ///   - format: How the connection wants the room's messages.
    ///   - isOwn: Whether the room is one that the front-end keeps for itself, as `OwnRoom` names them.
    ///   - replay: What of the room's past it wants before what is new.
    ///   - refused: Called when the room says no, now or, from another loop, later.
    package func join(
        _ room: String,
        exclusive: Bool = false,
        format: any WireFormat,
        lag: LagLimit? = nil,
        isOwn: Bool = false,
        replay: ReplayRequest? = nil,
        refused: @escaping @Sendable (JoinRefusal) -> Void = { _ in }
    ) {
        let limits = context.shared.configuration.limits
        guard memberships[room] == nil else { return }
        guard !room.isEmpty, room.utf8.count <= limits.maxRoomNameBytes, OwnRoom.isOwn(room) == isOwn else {
            return refused(.badName)
        }
        guard memberships.count < limits.maxRoomsPerSession else { return refused(.tooManyRooms) }
        let home = context.shared.home(of: room)
        let number = context.nextNumber()
        let membership = Membership(room: room, home: home, number: number)
        memberships[room] = membership
        let member = RoomCore.Member(identity: identity, loop: context.index, format: format.name)
        let limit = lag ?? context.shared.configuration.lag
        let keyed = limit.policy == .latestPerKey
        let (id, loop) = (self.id, context.index)
        if home == context.index {
            let answer = context.admit(id, member, to: room, format: format, exclusive: exclusive, keyed: keyed)
            let past = context.recall(replay, of: room, for: id, answer)
            completeJoin(membership, answer, past, format: format, limit: limit, refused)
            return
        }
        context.handOver(to: home) { home in
            let answer = home.admit(id, member, to: room, format: format, exclusive: exclusive, keyed: keyed)
            let past = home.recall(replay, of: room, for: id, answer)
            home.handOver(to: loop) { context in
                guard let connection = context.connections[id], let membership = connection.memberships[room],
                    membership.number == number
                else { return }
                connection.completeJoin(membership, answer, past, format: format, limit: limit, refused)
            }
        }
    }

    func completeJoin(
        _ membership: Membership,
        _ answer: Result<RoomAdmission, JoinFailure>,
        _ past: RoomPast? = nil,
        format: any WireFormat,
        limit: LagLimit,
        _ refused: (JoinRefusal) -> Void
    ) {
        switch answer {
        case .failure(let failure):
            memberships[membership.room] = nil
            membership.isActive = false
            refused(failure.refusal)
        case .success(let admission):
            let seen = membership.home == context.index ? nil : admission.start
            let roster = context.roster(room: membership.room, format: format, tail: admission.tail, seen: seen)
            let subscription = Subscription(connection: self, roster: roster, limit: limit)
            membership.subscription = subscription
            membership.core = membership.home == context.index ? context.rooms[membership.room] : nil
            membership.log = roster.log
            subscriptions.append(subscription)
            roster.add(subscription, at: admission.start)
            if let past { begin(past, membership, format: format) }
            if subscription.isBehind { list(subscription) }
        }
    }

    /// Leaves a room; nothing when not in it.
    package func leave(_ room: String) {
        guard let membership = memberships.removeValue(forKey: room) else { return }
        release(from: room)
        detach(membership)
        let id = self.id
        context.toHome(of: room) { $0.rooms[room]?.leave(id) }
    }

    /// Takes the local half of a membership away.
    func detach(_ membership: Membership) {
        membership.isActive = false
        guard let subscription = membership.subscription else { return }
        membership.subscription = nil
        membership.core = nil
        membership.log = nil
        context.unblock(subscription)
        subscriptions.removeAll { $0 === subscription }
        drop(subscription)
        subscription.roster.remove(subscription)
        context.removeIfEmpty(subscription.roster)
    }

    func leaveAll() {
        guard !isLingering else { return }
        for room in Array(memberships.keys) { leave(room) }
    }

    /// Whether this connection is in a room, or on its way in.
    package func membership(of room: String) -> Membership? { memberships[room] }

    /// Publishes a frame, as it came, where that takes nothing else: the room is at home on this loop, all its subscribers
    /// speak the connection's own format, nobody else hears it, and nobody has to wait.
    ///
    /// The hot path.
    ///
    /// - Parameter toSelf: Whether this connection gets it too.
    /// - Returns: false where it takes more; nothing was published then.
    package func publishPlainly(_ frame: Span<UInt8>, to membership: Membership, toSelf: Bool = true) -> Bool {
        // Both are gone when the membership has ended.
        guard !isClosing, let log = membership.log, let core = membership.core, core.plainLog === log
        else { return false }
        let offset = core.nextOffset
        core.publishPlain(frame, to: log)
        if !toSelf { membership.subscription?.leaveOut(offset..<offset + 1) }
        return true
    }

    /// Publishes a frame, as it came, to a room that this connection is in.
    ///
    /// - Parameter toSelf: Whether this connection gets it too.
    package func publish(
        _ frame: Span<UInt8>,
        format: any WireFormat,
        to membership: Membership,
        toSelf: Bool = true
    ) {
        guard membership.isActive, !isClosing else { return }
        if let core = membership.core {
            var offset: UInt64? = core.nextOffset
            if let log = core.plainLog, log === membership.log {
                core.publishPlain(frame, to: log)
            } else {
                // Something else may have come before it.
                offset = core.publish(frame: frame, format: format, sender: .session(id))?.offset
            }
            if !toSelf, let offset { membership.subscription?.leaveOut(offset..<offset + 1) }
            if core.isBlocked { core.holdBack(id) }
            return
        }
        let room = membership.room
        let id = self.id
        let segment = context.keep(frame)
        context.toHome(of: room) { home in
            // Asked again where it is known: the room may have said no meanwhile, or not have answered yet.
            guard let core = home.rooms[room], core.members[id] != nil else { return }
            let position = segment.chunk.withBytes(segment.start..<segment.end) {
                core.publish(frame: $0, format: format, sender: .session(id))
            }
            // Handed back before the room's growth is, which comes at the end of the turn.
            if !toSelf, let position { home.leaveOut(position.offset..<position.offset + 1, of: room, for: id) }
            if core.isBlocked { core.holdBack(id) }
        }
    }
}

/// A room's yes, carried between loops.
package struct RoomAdmission: Sendable {
    let tail: FrameChunk
    /// The offset of the first message that the member gets.
    package let start: UInt64
    /// What it gets before, if its front-end let it in.
    var past: RoomPast?

    /// Whether something of the room's past comes before: its request's `begins` and `ends` will be called.
    package var hasPast: Bool { past != nil }
}

/// A room's no.
package struct JoinFailure: Error {
    /// Why.
    package let refusal: JoinRefusal
}

extension LoopContext {
    /// At a room's home: takes a session in.
    func admit(
        _ session: SessionID,
        _ member: RoomCore.Member,
        to room: String,
        format: any WireFormat,
        exclusive: Bool,
        keyed: Bool
    ) -> Result<RoomAdmission, JoinFailure> {
        guard let core = self.room(room) else { return .failure(JoinFailure(refusal: .noMoreRooms)) }
        return core.join(session, member, format: format, exclusive: exclusive, keyed: keyed)
    }

    /// A session lost its place in a private room to another.
    func revoke(_ session: SessionID, from room: RoomCore) {
        guard let member = room.members[session] else { return }
        let wasOwner = room.owner == session
        let name = room.name
        room.remove(session)
        let work: @Sendable (LoopContext) -> Void = { context in
            guard let connection = context.connections[session] else { return }
            if let membership = connection.memberships.removeValue(forKey: name) { connection.detach(membership) }
            connection.release(from: name)
            if wasOwner { connection.handler?.drain() }
        }
        toLoop(member.loop, work)
    }

    /// At a room's home: a session is not to hear messages.
    func leaveOut(_ offsets: Range<UInt64>, of room: String, for session: SessionID) {
        toLoop(session.loop) { context in
            context.connections[session]?.memberships[room]?.subscription?.leaveOut(offsets)
        }
    }

    func removeIfEmpty(_ roster: Roster) {
        guard roster.subscriptions.isEmpty else { return }
        let key = RosterKey(room: roster.room, format: roster.format.name)
        if rosters[key] === roster { rosters[key] = nil }
    }

    /// A connection has ended.
    func forget(_ connection: Connection) {
        guard connections.removeValue(forKey: connection.id) != nil else { return }
        shared.counters.closed()
        shared.addresses.release(connection.peer)
    }
}
