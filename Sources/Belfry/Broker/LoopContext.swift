// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO
package import Logging
import Metrics

/// What a broker keeps on one event loop: its rooms, its connections and the fan-out at the end of each turn.
///
/// Loop-confined. What concerns another loop is gathered during the turn and handed over at its end in one go.
package final class LoopContext: TurnEndHandler {
    package let shared: BrokerShared
    package let loop: EventLoop
    /// The loop's number in the broker.
    package let index: Int
    var rooms: [String: RoomCore] = [:]
    var rosters: [RosterKey: Roster] = [:]
    package internal(set) var connections: [SessionID: Connection] = [:]
    /// The broker drains: nothing new begins.
    package internal(set) var isStopped = false
    /// The drain is over.
    var hasEnded = false
    /// Messages published this turn, for the counters.
    var published: UInt64 = 0
    /// Messages published this turn, for the store.
    var unstored: [StoredMessage] = []
    /// Rooms that the store did not take when they were made.
    var unattached: Set<String> = []
    /// Rooms that something was published in for their history alone: they go when nobody comes.
    var passing: [RoomCore] = []
    /// Who hears every message of all rooms.
    var taps: [any RoomTap] = []
    /// On the first loop alone.
    private(set) var metrics: BrokerMetrics?
    /// The most memory in use since some was given back; on the first loop alone.
    var mostBytes = 0
    private var grownLogs: [FrameLog] = []
    private var dirtyRosters: [Roster] = []
    /// Rosters whose cursors moved this turn: they let go of what nobody needs.
    private var usedRosters: [Roster] = []
    private var listed: [Connection] = []
    var outgoing: [[@Sendable (LoopContext) -> Void]]
    /// Direct frames of all connections, one behind the other.
    private var directChunk = FrameChunk(capacity: 0, firstOffset: 0)
    private var cachedTurnTime: Int64 = 0
    private var cachedWallClock: Int64 = 0

    init(shared: BrokerShared, loop: EventLoop, index: Int) {
        self.shared = shared
        self.loop = loop
        self.index = index
        outgoing = Array(repeating: [], count: shared.loops.count)
        guard index == 0 else { return }
        metrics = BrokerMetrics(
            backend: shared.group.selection.backend.rawValue,
            store: shared.configuration.store,
            factory: shared.configuration.metrics ?? MetricsSystem.factory
        )
    }

    package var logger: Logger { shared.logger }

    func nextNumber() -> UInt64 { shared.nextNumber() }

    // MARK: Time

    /// The loop's clock, read once a turn.
    package var turnTime: Int64 {
        if cachedTurnTime == 0 { cachedTurnTime = loop.nowNanoseconds }
        return cachedTurnTime
    }

    /// Nanoseconds since 1970, read once a turn.
    package var wallClock: Int64 {
        if cachedWallClock == 0 { cachedWallClock = WallTime.nanoseconds() }
        return cachedWallClock
    }

    // MARK: Direct frames

    /// Copies a frame into memory that can be sent from.
    func keep(_ frame: Span<UInt8>) -> Segment {
        if !directChunk.append(frame, key: 0) {
            directChunk = FrameChunk(capacity: max(64 * 1024, frame.count), firstOffset: 0, meter: shared.frameMemory)
            _ = directChunk.append(frame, key: 0)
        }
        let end = directChunk.byteCount
        return Segment(directChunk, end - frame.count, end)
    }

    // MARK: Turn

    func markGrown(_ log: FrameLog) {
        guard !log.isDirty else { return }
        log.isDirty = true
        grownLogs.append(log)
    }

    func markDirty(_ roster: Roster) {
        guard !roster.isDirty else { return }
        roster.isDirty = true
        dirtyRosters.append(roster)
    }

    func markUsed(_ roster: Roster) {
        guard !roster.isUsed else { return }
        roster.isUsed = true
        usedRosters.append(roster)
    }

    func list(_ connection: Connection) {
        if connection.markListed(true) { listed.append(connection) }
    }

    package func turnEnded() -> Bool {
        // Read anew by who asks from here on, and again in the next turn: a long wait may lie between.
        forgetTime()
        defer { forgetTime() }
        tellReaders()
        for roster in dirtyRosters { roster.listLagging() }
        let hasMore = pumpListed()
        dirtyRosters.removeAll(keepingCapacity: true)
        if shared.frameMemory.bytes > shared.configuration.limits.maxFrameLogBytes { shedLag() }
        for roster in usedRosters {
            roster.isUsed = false
            roster.endTurn()
            roster.trim()
        }
        usedRosters.removeAll(keepingCapacity: true)
        handOverAll()
        handToStore()
        if published > 0 {
            shared.counters.published(published)
            published = 0
        }
        return hasMore
    }

    /// Hands over what the store does not have yet.
    func handToStore() {
        guard !unstored.isEmpty else { return }
        shared.configuration.store?.append(unstored)
        unstored.removeAll(keepingCapacity: unstored.count <= 4_096)
    }

    private func forgetTime() {
        cachedTurnTime = 0
        cachedWallClock = 0
    }

    private func tellReaders() {
        guard !grownLogs.isEmpty else { return }
        for log in grownLogs {
            log.isDirty = false
            let end = log.tail.endOffset
            for reader in log.readers { reader.logGrew(to: end) }
        }
        grownLogs.removeAll(keepingCapacity: true)
    }

    private func pumpListed() -> Bool {
        guard !listed.isEmpty else { return false }
        var batch: [Connection] = []
        swap(&batch, &listed)
        for connection in batch {
            _ = connection.markListed(false)
            if connection.pump() { list(connection) }
        }
        if listed.isEmpty {
            batch.removeAll(keepingCapacity: true)
            swap(&batch, &listed)
        }
        return !listed.isEmpty
    }

    /// All frame logs together are too large: those who are furthest behind lose what they have not taken.
    private func shedLag() {
        for roster in rosters.values {
            for subscription in roster.subscriptions where subscription.isBehind {
                shared.counters.lost(subscription.loseAll())
                markUsed(roster)
            }
        }
    }

    // MARK: Other loops

    /// Leaves work for another loop's context; handed over in order at the end of the turn.
    func handOver(to other: Int, _ work: @escaping @Sendable (LoopContext) -> Void) {
        outgoing[other].append(work)
    }

    /// Hands over at once what is left for other loops, so that whoever visits them next finds it there.
    package func settle() {
        tellReaders()
        handOverAll()
    }

    private func handOverAll() {
        for other in outgoing.indices where !outgoing[other].isEmpty {
            let work = outgoing[other]
            outgoing[other].removeAll(keepingCapacity: true)
            let box = shared.context(other)
            shared.loops[other].execute {
                let context = box.value
                for item in work { item(context) }
            }
        }
    }

    // MARK: Rooms

    /// The room with this name, made if need be; nil when there are too many.
    ///
    /// For names whose home is this loop.
    func room(_ name: String) -> RoomCore? {
        if let room = rooms[name] { return room }
        guard shared.counters.openRoom(name, limit: shared.configuration.limits.maxRooms) else { return nil }
        let room = RoomCore(name: name, context: self)
        rooms[name] = room
        return room
    }

    func removeIfIdle(_ room: RoomCore) {
        guard room.isIdle, rooms[room.name] === room else { return }
        rooms[room.name] = nil
        if room.nextOffset == 0, let stored = room.stored { stored.store.release(stored.id) }
        shared.counters.closed(room)
    }

    /// The subscribers of a room on this loop, made if need be.
    ///
    /// - Parameter seen: On another loop than the room's home, the end of the log as the home announced it; else nil.
    func roster(room: String, format: any WireFormat, tail: FrameChunk, seen: UInt64? = nil) -> Roster {
        let key = RosterKey(room: room, format: format.name)
        if let roster = rosters[key] {
            if let seen { roster.see(seen) }
            return roster
        }
        let roster = Roster(room: room, format: format, tail: tail, seen: seen, context: self)
        rosters[key] = roster
        return roster
    }

    // MARK: Suspended publishers

    /// A `.suspend` subscriber is at its limit: publishers wait.
    func block(_ subscription: Subscription) {
        guard !subscription.isBlocking else { return }
        subscription.isBlocking = true
        changeBlockers(of: subscription, by: 1)
    }

    func unblock(_ subscription: Subscription) {
        guard subscription.isBlocking else { return }
        subscription.isBlocking = false
        changeBlockers(of: subscription, by: -1)
    }

    private func changeBlockers(of subscription: Subscription, by change: Int) {
        let room = subscription.roster.room
        toHome(of: room) { context in
            guard let core = context.rooms[room] else { return }
            core.blockers = max(0, core.blockers + change)
            core.updatePlainLog()
            core.unblockPublishers()
        }
    }

    /// Runs work with the context of a room's home: now if that is this loop, else handed over.
    package func toHome(of room: String, _ work: @escaping @Sendable (LoopContext) -> Void) {
        toLoop(shared.home(of: room), work)
    }

    /// Runs work with the context of a loop: now if that is this loop, else handed over.
    package func toLoop(_ other: Int, _ work: @escaping @Sendable (LoopContext) -> Void) {
        if other == index { work(self) } else { handOver(to: other, work) }
    }
}
