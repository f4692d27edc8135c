// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import Logging

/// The clients of one server by their ids: who is connected where, who is away, and what waits for them.
///
/// Loop-confined to the home of the server's room, where the room's messages get their order: so what is sent to one
/// client and what is sent to all is in one order too, and a client that comes back enters the room in the same step in
/// which what waited for it is taken out.
///
/// A client that resumes says where it is, and gets the room's messages from there on out of the room's past, which is kept
/// as long as such a client is away; what was sent to it alone stands between them.
///
/// A link that breaks is reported here first. Only then, behind everything that was handed to its loop before, its
/// connection is asked for what it had not sent (`collect`), up to the room's message from which on the client is a
/// cursor into what is kept of the room.
final class ClientRegistry {
    /// Holds this registry, and so do all who call it.
    private unowned let shared: ServerShared
    private var clients: [String: Client] = [:]
    /// Those that went away, in order; an entry counts if the client still has its number.
    private var departures: [(number: UInt64, id: String)] = []
    private var firstDeparture = 0
    private var lastNumber: UInt64 = 0
    /// What is kept of the room, as long as somebody is away that does not resume.
    private var retained: RetainedFrames?
    /// Somebody is away that resumes: the room keeps its past.
    private var holdsPast = false
    private var awayCount = 0
    private var lost = 0
    private var forgotten = 0

    init(_ shared: ServerShared) { self.shared = shared }

    /// A connection that says it is a client.
    struct Link: Sendable {
        let session: SessionID
        let connection: LoopConfined<ServerConnection>
        /// Whether it knows of positions.
        let resumes: Bool
        /// The first message of the room that it does not have, if it says one.
        let position: RoomPosition?
        /// It says that it comes back and has nothing of what its last link brought.
        let hasNothing: Bool
    }

    private enum Presence {
        case connected(Link)
        /// The link is gone, what it had not sent is on its way here; then the next one may come in.
        case leaving(Link, next: Link?)
        case away(number: UInt64)
    }

    private final class Client {
        let id: String
        var presence: Presence
        var queue: AwayQueue
        /// While not connected: the first message of the room that has not been sent.
        var cursor: UInt64 = 0
        /// Whether its connection, or its last one, gets positions.
        var isPositioned = false
        /// Its connection, or its last one, said no position, and where in the room that connection began.
        var isFresh = false
        var began: UInt64 = 0

        init(_ id: String, _ link: Link, _ queue: AwayQueue) {
            self.id = id
            presence = .connected(link)
            self.queue = queue
        }
    }

    var statistics: Server.Statistics {
        let connected = clients.values.count { client in
            if case .connected = client.presence { true } else { false }
        }
        return .init(connected: connected, away: awayCount, lost: lost, forgotten: forgotten)
    }

    /// The ids that are known, and whether each is connected.
    var known: [String: Bool] {
        clients.mapValues { client in
            if case .connected = client.presence { true } else { false }
        }
    }

    // MARK: Coming

    /// A connection has said who it is.
    func arrived(_ id: String, _ link: Link, _ home: LoopContext) {
        // It was on its way here when the server stopped; its connection has been told.
        guard shared.isOpen else { return }
        guard let client = clients[id] else {
            makeRoom(home)
            let queue = AwayQueue(
                maxMessages: shared.configuration.maxQueuedMessages,
                maxBytes: shared.configuration.maxQueuedBytes
            )
            let client = Client(id, link, queue)
            clients[id] = client
            return welcome(client, link, .joined, home)
        }
        switch client.presence {
        case .away:
            awayCount -= 1
            welcome(client, link, .returned, home)
        case .connected(let former):
            shared.logger.info(
                "A further connection takes a client's place; the former is closed.",
                metadata: ["id": "\(id)", "session": "\(link.session)", "former": "\(former.session)"]
            )
            depart(client, former, next: link, home)
        case .leaving(let former, let next):
            if let next { displace(next, home) }
            client.presence = .leaving(former, next: link)
        }
    }

    private func welcome(_ client: Client, _ link: Link, _ kind: Server.ClientChange.Kind, _ home: LoopContext) {
        let isNew = kind == .joined
        let offers = link.resumes && home.keepsPast(of: shared.room)
        let here = home.position(of: shared.room)
        // Who was told positions and comes back without one goes on behind what was sent to it, unless it had no time to
        // hear of that.
        let standing = client.isPositioned && !isNew ? here : nil
        let start =
            (offers ? link.position : nil)
            ?? standing.map {
                let isUnheard = link.hasNothing && client.isFresh
                return RoomPosition(epoch: $0.epoch, offset: isUnheard ? client.began : client.cursor)
            }
        let admission: RoomAdmission
        do throws(JoinFailure) {
            admission = try home.admit(
                link.session,
                identity: client.id,
                to: shared.room,
                format: shared.format(isPositioned: offers),
                replay: offers || start != nil ? ServerConnection.replay(from: start, shared.configuration) : nil
            )
        } catch {
            shared.logger.warning(
                "A client could not enter the server's room.",
                metadata: ["id": "\(client.id)", "room": "\(shared.room)", "reason": "\(error.refusal)"]
            )
            clients[client.id] = nil
            return displace(link, home)
        }
        var welcome = Welcome(admission, isPositioned: offers)
        if start != nil {
            welcome.start = start?.epoch == here?.epoch ? start?.offset : admission.start
            welcome.direct = client.queue.frames
            welcome.lost = client.queue.lost
            missed(client.queue.lost, by: client.id, home)
        } else if !isNew {
            welcome.stream = replay(client, admission.start, home)
        }
        client.isPositioned = offers
        client.isFresh = link.position == nil
        client.began = welcome.start ?? admission.start
        client.presence = .connected(link)
        client.queue = AwayQueue(
            maxMessages: shared.configuration.maxQueuedMessages,
            maxBytes: shared.configuration.maxQueuedBytes
        )
        releaseIfUnused(home)
        home.toLoop(link.session.loop) { [welcome] _ in link.connection.value.welcomed(welcome) }
        shared.changes.send(Server.ClientChange(id: client.id, kind: kind, isKnown: true))
    }

    private func replay(_ client: Client, _ end: UInt64, _ home: LoopContext) -> [UInt8] {
        let first = retained?.firstOffset ?? end
        let missing = first > client.cursor ? Int(clamping: first - client.cursor) : 0
        let (stream, lost) = client.queue.replay(missing: missing) { body in
            retained?.forEach(from: client.cursor, to: end, body)
        }
        missed(lost, by: client.id, home)
        return stream
    }

    /// Counts what a client that came back did not get any more.
    func missed(_ count: Int, by id: String, _ home: LoopContext) {
        guard count > 0 else { return }
        lost += count
        home.countLost(count)
        shared.logger.info(
            "A client came back to fewer messages than were sent to it.",
            metadata: ["id": "\(id)", "lost": "\(count)"]
        )
    }

    private func displace(_ link: Link, _ home: LoopContext) {
        home.toLoop(link.session.loop) { _ in link.connection.value.displaced() }
    }

    // MARK: Going

    /// A connection's link is gone.
    func broke(_ id: String, _ session: SessionID, _ home: LoopContext) {
        guard let client = clients[id] else { return }
        switch client.presence {
        case .connected(let link) where link.session == session:
            depart(client, link, next: nil, home)
        case .leaving(let former, let next?) where next.session == session:
            client.presence = .leaving(former, next: nil)
        default: break
        }
    }

    private func depart(_ client: Client, _ link: Link, next: Link?, _ home: LoopContext) {
        if client.isPositioned {
            holdPast(home)
        } else if retained == nil {
            retained = home.retain(
                shared.room,
                format: shared.format,
                messages: shared.configuration.maxQueuedMessages,
                bytes: shared.configuration.maxQueuedBytes
            )
        }
        let end = home.endOffset(of: shared.room)
        client.cursor = end
        client.presence = .leaving(link, next: next)
        home.dismiss(link.session, from: shared.room)
        home.toLoop(link.session.loop) { _ in link.connection.value.collect(before: end) }
    }

    private func holdPast(_ home: LoopContext) {
        if !holdsPast { home.holdPast(of: shared.room) }
        holdsPast = true
    }

    /// What a gone connection had not sent.
    func collected(_ id: String, _ session: SessionID, _ unsent: UnsentFrames, _ home: LoopContext) {
        guard let client = clients[id], case .leaving(let link, let next) = client.presence, link.session == session
        else { return }
        client.queue.prepend(unsent.direct)
        if let first = unsent.firstOfRoom {
            // Perhaps one that gets no positions, but had not been sent the room's past yet.
            client.isPositioned = true
            client.cursor = min(client.cursor, first)
            holdPast(home)
        }
        if let next { return welcome(client, next, .replaced, home) }
        lastNumber += 1
        client.presence = .away(number: lastNumber)
        awayCount += 1
        departures.append((lastNumber, id))
        trimDepartures()
        shared.changes.send(Server.ClientChange(id: id, kind: .left, isKnown: true))
    }

    /// A client left on purpose: nothing waits for it.
    func left(_ id: String, _ session: SessionID, _ home: LoopContext) {
        guard let client = clients[id], case .connected(let link) = client.presence, link.session == session else {
            return
        }
        clients[id] = nil
        home.dismiss(session, from: shared.room)
        shared.changes.send(Server.ClientChange(id: id, kind: .left, isKnown: false))
    }

    /// Forgets those that have been away for longest until there is room for one more.
    private func makeRoom(_ home: LoopContext) {
        while clients.count >= shared.configuration.maxKnownIDs, firstDeparture < departures.count {
            let (number, id) = departures[firstDeparture]
            firstDeparture += 1
            guard case .away(number)? = clients[id]?.presence else { continue }
            clients[id] = nil
            awayCount -= 1
            forgotten += 1
            shared.logger.notice(
                "A client that was away has been forgotten: maxKnownIDs.",
                metadata: ["id": "\(id)", "limit": "\(shared.configuration.maxKnownIDs)"]
            )
        }
        trimDepartures()
        releaseIfUnused(home)
    }

    /// Clients that came back leave entries behind: cleared away in bulk.
    private func trimDepartures() {
        guard departures.count > 2 * awayCount + 64 else { return }
        departures = departures[firstDeparture...].filter { number, id in
            if case .away(number)? = clients[id]?.presence { true } else { false }
        }
        firstDeparture = 0
    }

    private func releaseIfUnused(_ home: LoopContext) {
        guard retained != nil || holdsPast, awayCount == 0 else { return }
        let isLeaving = clients.values.contains { client in
            if case .leaving = client.presence { true } else { false }
        }
        guard !isLeaving else { return }
        if holdsPast { home.releasePast(of: shared.room) }
        holdsPast = false
        guard let frames = retained.take() else { return }
        home.release(frames, of: shared.room, format: shared.format)
    }

    // MARK: Sending

    /// Sends a frame to one client, or keeps it for one that is away; false when the id is not known.
    func send(_ frame: [UInt8], to id: String, _ home: LoopContext) -> Bool {
        guard let client = clients[id] else { return false }
        let end = home.endOffset(of: shared.room)
        switch client.presence {
        case .connected(let link):
            home.toLoop(link.session.loop) { _ in link.connection.value.send(frame, before: end) }
        case .leaving, .away:
            client.queue.append(frame, before: end)
        }
        return true
    }

    // MARK: Stopping

    /// The server stops: the connected are told by their connections, the others are forgotten with what waited.
    func stop(_ home: LoopContext) {
        if awayCount > 0 {
            shared.logger.notice(
                "The server stops; clients that are away will not get what waited for them.",
                metadata: ["clients": "\(awayCount)"]
            )
        }
        clients = [:]
        departures = []
        firstDeparture = 0
        awayCount = 0
        releaseIfUnused(home)
    }
}
