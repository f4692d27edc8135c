// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// The working part of a room, on its home loop: order, logs, members and consumers.
///
/// Loop-confined.
///
/// `Room` is the actor that stands before it; code of the broker that is on the home loop already comes here directly.
final class RoomCore {
    let name: String
    let epoch: UInt64
    /// Its place in the broker's store; nil when nothing of it is stored.
    var stored: StoredPlace?
    /// Held, so that a room that outlives its broker can still be asked; a broker that stops lets go of its rooms.
    let context: LoopContext
    private(set) var nextOffset: UInt64 = 0
    private(set) var logs: [FrameLog] = []
    /// The one log, as long as a frame in its format needs nothing else done: no other format, no keys, no entries, and
    /// nobody to wait for.
    private(set) var plainLog: FrameLog?
    private(set) var members: [SessionID: Member] = [:]
    /// The one session that a private room (one named after an identity) belongs to.
    private(set) var owner: SessionID?
    var entries: EntryLog
    var consumers: [UInt64: RoomConsumer] = [:]
    var waitingConsumers: [RoomConsumer] = []
    /// Consumers whose policy cares about what the ring drops; empty in the common case.
    var pinningConsumers: [RoomConsumer] = []
    var hasPinningConsumers = false
    /// Held until the one who watches lets go.
    var presenceWatchers: [UInt64: Queue<PresenceChange>] = [:]
    /// `Room` actors that users hold; a room with none, no members and no history may go.
    var isPinned = false
    /// Members that may come back and want to know what they missed.
    var resumers: Set<SessionID> = []
    /// What is kept for them; nil where that is not kept, or not for them.
    var resumeLimit: HistoryLimit?
    /// Front-ends that know of some who may come back, members or not.
    var pastHolds = 0
    /// A front-end keeps its messages for clients that may come back.
    var isKept = false
    /// Whether it is among the context's `passing`.
    var isPassing = false
    weak var heldDoor: Room?
    /// Subscribers with the policy `.suspend` that are too far behind, and who waits for them.
    var blockers = 0
    var blockedPublishers: [UInt64: Parker<Void>] = [:]
    /// Clients that are not read from meanwhile.
    var heldBack: Set<SessionID> = []
    /// To be done before the next message; nil in the common case.
    private var beforeNext: (() -> Void)?
    /// Who hears every message besides; empty in the common case.
    private var taps: [any RoomTap] = []
    private var scratch: [UInt8] = []

    /// Who is in the room.
    struct Member: Sendable {
        let identity: String?
        let loop: Int
        let format: String
    }

    init(name: String, context: LoopContext) {
        self.name = name
        self.context = context
        let (isOwn, configuration) = (OwnRoom.isOwn(name) && !OwnRoom.isStored(name), context.shared.configuration)
        if !isOwn, let store = configuration.store, let known = store.open(name, standing: nil) {
            epoch = known.epoch
            nextOffset = known.nextOffset
            entries = EntryLog(history: configuration.history.besidesStore)
            entries.skip(to: known.nextOffset)
            stored = StoredPlace(
                store: store,
                id: known.id,
                pastEpochs: known.pastEpochs,
                lastTimestamp: known.lastTimestamp
            )
        } else {
            epoch = UInt64.random(in: 1...UInt64.max)
            entries = EntryLog(history: isOwn ? HistoryLimit() : configuration.history)
            if !isOwn, configuration.store != nil { context.unattached.insert(name) }
        }
        updateTaps()
    }

    // MARK: Publishing

    /// Publishes a frame in the format of `plainLog`.
    ///
    /// The hot path. It touches stored properties only in ways that need no exclusivity check at run time (plain loads
    /// and stores; the checks were a sixth of the whole path), hence the properties of their own.
    func publishPlain(_ frame: Span<UInt8>, to log: FrameLog) {
        log.append(frame, key: 0)
        if !log.isDirty { context.markGrown(log) }
        nextOffset += 1
        context.published += 1
    }

    /// Looks again who hears every message.
    func updateTaps() {
        taps = OwnRoom.isOwn(name) ? [] : context.taps.filter { $0.wants(name) }
        updatePlainLog()
    }

    /// Has something done, once, before the next message is published.
    func setBeforeNext(_ body: @escaping () -> Void) {
        beforeNext = body
        updatePlainLog()
    }

    private func doBeforeNext() {
        guard let body = beforeNext.take() else { return }
        updatePlainLog()
        body()
    }

    /// Looks again whether `plainLog` may serve.
    func updatePlainLog() {
        let isPlain =
            logs.count == 1 && !entries.isWanted && !logs[0].isKeyed && !logs[0].format.isPositioned && taps.isEmpty
            && beforeNext == nil && blockers == 0
        plainLog = isPlain ? logs[0] : nil
    }

    /// Publishes a frame as it came from a client that speaks `format`: those who speak it too get these very bytes.
    @discardableResult
    func publish(frame: Span<UInt8>, format: any WireFormat, sender: Sender) -> RoomPosition? {
        if beforeNext != nil { doBeforeNext() }
        let formatName = format.name
        var decoded: (event: String, payload: Payload)?
        if entries.isWanted || !taps.isEmpty
            || logs.contains(where: { $0.isKeyed || $0.formatName != formatName })
        {
            decoded = format.decode(frame)
            guard decoded != nil else { return nil }
        }
        for log in logs {
            let key = log.isKeyed ? Self.key(decoded?.event ?? "") : 0
            if log.formatName == formatName {
                log.append(frame, key: key)
            } else if let decoded {
                append(decoded.event, decoded.payload, to: log, key: key)
            }
            context.markGrown(log)
        }
        return advance(decoded, sender)
    }

    /// Publishes a message of this process, or one whose bytes no subscriber can have as they came.
    @discardableResult
    func publish(
        event: String,
        payload: Payload,
        sender: Sender,
        except tap: (any RoomTap)? = nil,
        receipt: (@Sendable (BelfryError?) -> Void)? = nil
    ) -> RoomPosition {
        if beforeNext != nil { doBeforeNext() }
        for log in logs {
            append(event, payload, to: log, key: log.isKeyed ? Self.key(event) : 0)
            context.markGrown(log)
        }
        return advance((event, payload), sender, except: tap, receipt)
    }

    private func append(_ event: String, _ payload: Payload, to log: FrameLog, key: UInt64) {
        var frame: [UInt8] = []
        swap(&frame, &scratch)
        frame.removeAll(keepingCapacity: true)
        // A message that the format can't say takes its offset all the same, with an empty frame.
        log.format.encode(room: name, event: event, payload: payload, at: nextOffset, into: &frame)
        log.append(frame.span, key: key)
        swap(&frame, &scratch)
    }

    private func advance(
        _ decoded: (event: String, payload: Payload)?,
        _ sender: Sender,
        except publisher: (any RoomTap)? = nil,
        _ receipt: (@Sendable (BelfryError?) -> Void)? = nil
    ) -> RoomPosition {
        let position = RoomPosition(epoch: epoch, offset: nextOffset)
        nextOffset += 1
        context.published += 1
        if entries.isWanted, let (event, payload) = decoded {
            let message = Message(
                room: name,
                event: event,
                payload: payload,
                sender: sender,
                offset: position.offset,
                timestamp: timestamp
            )
            if let stored {
                context.unstored.append(StoredMessage(room: stored.id, message: message, receipt: receipt))
            }
            makeRoomForEntry(of: message.byteCount)
            entries.append(message)
            wakeConsumers()
        }
        if !taps.isEmpty, owner == nil, let (event, payload) = decoded {
            for tap in taps where tap !== publisher { tap.published(event, payload, in: name, on: context) }
        }
        return position
    }

    private var timestamp: Int64 {
        guard let last = stored?.lastTimestamp else { return context.wallClock }
        let now = max(last, context.wallClock)
        stored?.lastTimestamp = now
        return now
    }

    private static func key(_ event: String) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(event)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    // MARK: Members

    /// Adds a member whose connection lives on some loop.
    func join(
        _ session: SessionID,
        _ member: Member,
        format: any WireFormat,
        exclusive: Bool,
        keyed: Bool
    ) -> Result<RoomAdmission, JoinFailure> {
        if let owner, owner != session, !exclusive { return .failure(JoinFailure(refusal: .isPrivate)) }
        if exclusive {
            for other in members.keys where other != session { context.revoke(other, from: self) }
            owner = session
        }
        let isNew = members.updateValue(member, forKey: session) == nil
        let log = self.log(for: format)
        if keyed { log.keepKeys() }
        follow(log, from: member.loop)
        updatePlainLog()
        if isNew { announce(PresenceChange(kind: .joined, session: session, identity: member.identity)) }
        return .success(RoomAdmission(tail: log.tail, start: log.tail.endOffset))
    }

    /// Removes a member; the room goes when nobody is left who needs it.
    func leave(_ session: SessionID) {
        remove(session)
        context.removeIfIdle(self)
    }

    /// Removes a member and keeps the room, for the one who is about to come in.
    func remove(_ session: SessionID) {
        guard let member = members.removeValue(forKey: session) else { return }
        if owner == session { owner = nil }
        if !resumers.isEmpty { resumerLeft(session) }
        if !members.values.contains(where: { $0.loop == member.loop && $0.format == member.format }),
            let log = logs.first(where: { $0.formatName == member.format })
        {
            log.removeReader(member.loop)
            removeIfUnread(log)
        }
        announce(PresenceChange(kind: .left, session: session, identity: member.identity))
    }

    /// Ends a log that nobody follows any more.
    func removeIfUnread(_ log: FrameLog) {
        if log.readers.isEmpty { logs.removeAll { $0 === log } }
        updatePlainLog()
    }

    /// Lets go of logs and taps: logs and their rosters hold each other, and a tap may hold its rooms.
    func dropListeners() {
        taps = []
        beforeNext = nil
        for log in logs {
            for loop in log.readers.map(\.loopIndex) { log.removeReader(loop) }
        }
        logs = []
        updatePlainLog()
    }

    func log(for format: any WireFormat) -> FrameLog {
        if let log = logs.first(where: { $0.formatName == format.name }) { return log }
        let log = FrameLog(format: format, firstOffset: nextOffset, meter: context.shared.frameMemory)
        logs.append(log)
        return log
    }

    private func follow(_ log: FrameLog, from loop: Int) {
        guard !log.readers.contains(where: { $0.loopIndex == loop }) else { return }
        if loop == context.index {
            let roster = context.roster(room: name, format: log.format, tail: log.tail)
            roster.log = log
            log.readers.append(roster)
        } else {
            log.readers.append(RemoteRoster(room: name, format: log.formatName, loopIndex: loop, home: context))
        }
    }

    /// Whether nothing would be lost if the room were made anew later.
    var isIdle: Bool {
        !isPinned && !isKept && members.isEmpty && consumers.isEmpty && presenceWatchers.isEmpty
            && (entries.entries.isEmpty || stored != nil)
    }

    private func announce(_ change: PresenceChange) {
        for watcher in presenceWatchers.values { _ = watcher.send(change) }
    }
}

/// A roster on another loop, as the home loop sees it: growth is told once per turn with the hand-over.
private final class RemoteRoster: FrameLogReader {
    let loopIndex: Int
    private let room: String
    private let format: String
    private let home: LoopContext

    init(room: String, format: String, loopIndex: Int, home: LoopContext) {
        self.room = room
        self.format = format
        self.loopIndex = loopIndex
        self.home = home
    }

    func logRolledOver(to chunk: FrameChunk) {
        let key = RosterKey(room: room, format: format)
        home.handOver(to: loopIndex) { $0.rosters[key]?.logRolledOver(to: chunk) }
    }

    func logGrew(to end: UInt64) {
        let key = RosterKey(room: room, format: format)
        home.handOver(to: loopIndex) { $0.rosters[key]?.logGrew(to: end) }
    }
}

/// A change of who is in a room.
public struct PresenceChange: Sendable, Hashable {
    /// What happened.
    public enum Kind: Sendable, Hashable {
        /// Someone came.
        case joined
        /// Someone went.
        case left
    }

    /// What happened.
    public let kind: Kind
    /// Whose session.
    public let session: SessionID
    /// Who that is; nil for an anonymous client.
    public let identity: String?
}
