// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// Hears every message of every room that is at home on a loop: for front-ends whose clients are in all rooms at once.
///
/// Loop-confined. Private rooms, and rooms that are a front-end's own, are not heard.
package protocol RoomTap: AnyObject {
    /// Whether messages of a room are wanted; asked when the room is made, and again by `updateTaps`.
    func wants(_ room: String) -> Bool
    /// A message was published, by anybody but the tap itself.
    func published(_ event: String, _ payload: Payload, in room: String, on context: LoopContext)
}

/// Names of rooms that front-ends keep for themselves.
package enum OwnRoom {
    /// A room that no client, of whatever protocol, can join by its name, and that keeps no history.
    package static func name(_ text: String) -> String { "\0" + text }

    /// The same for a room whose messages are kept in the broker's store, if it has one.
    package static func storedName(_ text: String) -> String { "\0\0" + text }

    static func isStored(_ name: String) -> Bool { name.utf8.starts(with: [0, 0]) }

    static func isOwn(_ name: String) -> Bool { name.utf8.first == 0 }
}

extension LoopContext {
    /// Adds or removes a tap; nothing when that is done already.
    package func setTap(_ tap: any RoomTap, isActive: Bool) {
        let index = taps.firstIndex { $0 === tap }
        guard (index != nil) != isActive else { return }
        if let index { taps.remove(at: index) } else { taps.append(tap) }
        for room in rooms.values { room.updateTaps() }
    }

    /// At a room's home: publishes what a tap's own client said, unless nobody could hear it.
    ///
    /// The tap does not hear it. A room that nobody is in is made for its history alone, if it keeps one.
    package func relay(
        _ event: String,
        _ payload: Payload,
        to name: String,
        sender: Sender,
        from tap: (any RoomTap)?
    ) {
        guard !isStopped, !OwnRoom.isOwn(name), name.utf8.count <= shared.configuration.limits.maxRoomNameBytes
        else { return }
        let room = shared.keepsHistory && !name.isEmpty ? self.room(name) : rooms[name]
        guard let room, room.owner == nil else { return }
        room.publish(event: event, payload: payload, sender: sender, except: tap)
        if room.isIdle, !room.isPassing {
            room.isPassing = true
            passing.append(room)
        }
    }

    /// Publishes a frame to who is in a room that is a front-end's own; from any loop.
    package func publish(_ frame: [UInt8], format: any WireFormat, toOwn room: String) {
        toHome(of: room) { home in
            let core =
                OwnRoom.isStored(room) && home.shared.configuration.store != nil ? home.room(room) : home.rooms[room]
            core?.publish(frame: frame.span, format: format, sender: .server)
        }
    }

    /// At the home of a room that is a front-end's own: its public face; nil when nobody is in it and nothing of it is kept.
    package func own(_ name: String) -> Room? {
        if !isStopped, OwnRoom.isStored(name), shared.configuration.store != nil { return room(name)?.door() }
        return rooms[name]?.door()
    }

    /// At the home of a room: makes it, if need be, and keeps its messages in memory by these limits from here on.
    package func keepHistory(of room: String, _ limit: HistoryLimit) {
        guard !isStopped, let core = self.room(room), core.stored == nil else { return }
        core.entries.keep(limit, from: core.nextOffset)
        core.isKept = limit.isKept
        core.updatePlainLog()
        removeIfIdle(core)
    }

    /// At the home of a room: has something done, once, before the next message is published there.
    package func beforeNextMessage(of room: String, _ body: @escaping () -> Void) {
        rooms[room]?.setBeforeNext(body)
    }

    /// At the home of a room: a member does not get the next messages, so many.
    package func leaveOutNext(_ count: Int, of room: String, for session: SessionID) {
        guard count > 0, let core = rooms[room], core.members[session] != nil else { return }
        leaveOut(core.nextOffset..<core.nextOffset + UInt64(count), of: room, for: session)
    }

    /// At a room's home: makes the room if need be, and lets a tap that has come to want it hear it.
    ///
    /// The room stays as long as the answer is held.
    ///
    /// - Returns: nil when the broker has stopped, there are too many rooms, the room is a private one, or the name is too
    ///   long or a front-end's own.
    package func hold(_ name: String) -> Room? {
        guard !isStopped, !OwnRoom.isOwn(name), name.utf8.count <= shared.configuration.limits.maxRoomNameBytes,
            let room = room(name), room.owner == nil
        else { return nil }
        room.updateTaps()
        return room.door()
    }

    /// At a room's home: looks again which taps want it.
    package func updateTaps(of name: String) { rooms[name]?.updateTaps() }

    /// At the home of a room: who is in it.
    package func memberCount(of room: String) -> Int { rooms[room]?.members.count ?? 0 }
}

extension BrokerShared {
    /// Counts messages that a front-end's own subscribers lost.
    package func countLost(_ count: Int) { counters.lost(count) }

    /// Whether there are rooms that are no front-end's own, or history makes them.
    package var hasPublicRooms: Bool { keepsHistory || counters.publicRoomCount > 0 }
}
