// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// For front-ends that let clients into a room from the room's home, in one step with something of their own there.
extension LoopContext {
    /// At a room's home: the offset of its next message.
    package func endOffset(of room: String) -> UInt64 { rooms[room]?.nextOffset ?? 0 }

    /// At a room's home: its epoch and the offset of its next message; nil when there is no such room.
    package func position(of room: String) -> RoomPosition? {
        rooms[room].map { RoomPosition(epoch: $0.epoch, offset: $0.nextOffset) }
    }

    /// At a room's home: whether one who comes back can be told what was said meanwhile.
    package func keepsPast(of room: String) -> Bool { rooms[room]?.keepsPast ?? false }

    /// At a room's home: goes on keeping what it keeps for those who resume, though they are not in it.
    package func holdPast(of room: String) { rooms[room]?.pastHolds += 1 }

    /// At a room's home: ends what `holdPast` began; a while later nothing is kept any more.
    package func releasePast(of room: String) {
        guard let core = rooms[room], core.pastHolds > 0 else { return }
        core.pastHolds -= 1
        core.letPastGo()
    }

    /// At a room's home: takes a session in; its connection's `enter` has to follow.
    ///
    /// - Parameter replay: What of the room's past it wants before what is new.
    /// - Throws: The room's no.
    package func admit(
        _ session: SessionID,
        identity: String?,
        to room: String,
        format: any WireFormat,
        replay: ReplayRequest? = nil
    ) throws(JoinFailure) -> RoomAdmission {
        let member = RoomCore.Member(identity: identity, loop: session.loop, format: format.name)
        let keyed = shared.configuration.lag.policy == .latestPerKey
        let answer = admit(session, member, to: room, format: format, exclusive: false, keyed: keyed)
        var admission = try answer.get()
        admission.past = recall(replay, of: room, for: session, answer)
        return admission
    }

    /// At a room's home: takes a session out; its connection has to leave as well.
    package func dismiss(_ session: SessionID, from room: String) { rooms[room]?.leave(session) }

    /// At a room's home: begins to keep its newest frames in a format; nil when the room has gone.
    package func retain(_ room: String, format: any WireFormat, messages: Int, bytes: Int) -> RetainedFrames? {
        rooms[room]?.retain(RetainedFrames(messages: messages, bytes: bytes), format: format)
    }

    /// At a room's home: ends what `retain` began.
    package func release(_ frames: RetainedFrames, of room: String, format: any WireFormat) {
        rooms[room]?.release(frames, format: format)
    }

    /// Counts messages that a client lost.
    package func countLost(_ count: Int) { shared.counters.lost(count) }
}

extension Connection {
    /// Takes the place in a room that the room's home has given it.
    package func enter(_ room: String, _ admission: RoomAdmission, format: any WireFormat) {
        let home = context.shared.home(of: room)
        guard !isClosing || isLingering, memberships[room] == nil else {
            let id = self.id
            return context.toHome(of: room) { $0.dismiss(id, from: room) }
        }
        let membership = Membership(room: room, home: home, number: context.nextNumber())
        memberships[room] = membership
        let limit = context.shared.configuration.lag
        completeJoin(membership, .success(admission), admission.past, format: format, limit: limit) { _ in }
    }
}
