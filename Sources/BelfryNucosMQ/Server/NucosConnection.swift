// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryJSON
import Logging

/// The server's side of one nucosMQ connection: decoder and machine between the broker's connection and the server.
///
/// Loop-confined. What needs the application (authentication, events beyond the queue's bound) holds the decoder, so
/// that the order of the client's messages is kept.
final class NucosConnection: ConnectionHandler {
    private let connection: Connection
    private let shared: NucosShared
    private var machine: NucosConnectionMachine
    private var decoder: NucosDecoder
    /// The room that was published to last, and the message's envelope: most clients publish to one room.
    private var lastPublished: (membership: Membership, envelope: UInt32)?
    /// When the timer that the machine wants was armed, and which it is.
    private var armed: (timeout: NucosTimeout, since: Int64)?
    /// What the machine says, kept beside it for the hot path.
    private(set) var isOpen = false
    private var pingWaiters: [Parker<Bool>] = []
    /// Events that the application has no room for yet; at most one, since the decoder is held then.
    private var undelivered: (event: NucosEvent, listener: Int)?
    private var complaints = 0
    /// What was sent to this connection during the handshake: at most 1,024 frames.
    private var queued: [[UInt8]] = []

    init(_ connection: Connection, shared: NucosShared) {
        self.connection = connection
        self.shared = shared
        machine = NucosConnectionMachine(authenticates: shared.configuration.authenticator != nil)
        decoder = NucosDecoder(maxFrameBytes: shared.configuration.maxFrameBytes)
    }

    // MARK: From the broker

    func opened() {
        guard shared.admits(connection.id) else { return connection.fail(.protocolError("the link is taken")) }
        perform(machine.accepted())
        rearm()
    }

    func received(_ bytes: Span<UInt8>) {
        if let armed, armed.timeout == .idle { self.armed = (.idle, connection.lastReceived) }
        decoder.decode(bytes) { self.handle($0, $1) }
    }

    func peerEnded() {
        perform(machine.peerClosed())
        rearm()
    }

    func drain() {
        perform(machine.serverCloses())
        rearm()
    }

    func tick(now: Int64) {
        guard let armed else { return }
        let limit = shared.configuration.duration(of: armed.timeout).nanoseconds
        guard now - armed.since >= limit else { return }
        self.armed = nil
        switch armed.timeout {
        case .step: perform(machine.stepTimedOut())
        case .idle: perform(machine.idleTimedOut())
        case .close: perform(machine.closeTimedOut())
        }
        rearm()
    }

    func closed(_ reason: CloseReason) {
        for waiter in pingWaiters { waiter.unpark(false) }
        pingWaiters = []
        shared.released(connection.id)
        _ = machine.peerClosed()
    }

    // MARK: Inbound

    private func handle(_ part: NucosDecoder.Part, _ bytes: Span<UInt8>) -> NucosDecoder.Disposition {
        switch part {
        case .frame(let frame):
            return handle(frame, bytes)
        case .malformed(let fault):
            complain("A malformed message was skipped.", ["fault": "\(fault)"])
            return .next
        case .tooLong:
            connection.fail(
                .protocolError("a message of more than \(shared.configuration.maxFrameBytes) bytes (maxFrameBytes)")
            )
            return .stop
        }
    }

    private func handle(_ frame: NucosFrame, _ bytes: Span<UInt8>) -> NucosDecoder.Disposition {
        // The hottest path: what differs from the last message that was published is its content alone.
        if frame.envelope != 0, isOpen, let last = lastPublished, last.envelope == frame.envelope,
            connection.publishPlainly(bytes, to: last.membership)
        {
            return .next
        }
        // The hot path: a publish changes nothing in the machine, so it is not asked (its exclusivity checks cost).
        if isOpen, let room = frame.room, NucosConnectionMachine.isForwarded(frame, bytes) {
            publish(to: room, frame.envelope, bytes)
            return .next
        }
        let action = machine.frame(frame, bytes)
        switch action {
        case .publish(let room):
            publish(to: room, frame.envelope, bytes)
            return .next
        case .event:
            let event = NucosEvent(
                session: connection.id,
                uid: connection.identity,
                event: frame.eventName.string(in: bytes),
                content: frame.payload(in: bytes)
            )
            connection.deliver(event: event.event, event.content)
            return deliver(event) ? .next : .hold
        case .subscribe(let room):
            join(room.string(in: bytes), resume: frame.resume?.string(in: bytes))
            return .next
        default:
            perform(action)
            rearm()
            return machine.awaitsApplication ? .hold : .next
        }
    }

    private func publish(to room: JSONText, _ envelope: UInt32, _ bytes: Span<UInt8>) {
        if let membership = lastPublished?.membership, !membership.isOver, room.equals(membership.room, in: bytes) {
            lastPublished?.envelope = envelope
            return connection.publish(bytes, format: shared.format, to: membership)
        }
        let name = room.string(in: bytes)
        guard let membership = connection.membership(of: name) else {
            return complain("A publish was dropped: the client is not in the room.", ["room": "\(name.prefix(64))"])
        }
        lastPublished = (membership, envelope)
        connection.publish(bytes, format: shared.format, to: membership)
    }

    private func join(_ room: String, resume: String?) {
        var replay: ReplayRequest?
        if let resume {
            replay = ReplayRequest(from: RoomPosition(token: resume)) { connection, start in
                connection.send(NucosFormat.resumption(start, of: room).span)
            }
        }
        let format: any WireFormat = resume == nil ? shared.format : NucosPositionedFormat()
        let later = LaterConnection(self)
        connection.join(room, format: format, replay: replay) { refusal in
            later.find()?.complain(
                "A client may not join.",
                ["room": "\(room.prefix(64))", "reason": "\(refusal)"]
            )
        }
    }

    /// Hands an event to the application; false if it has no room, then the decoder is held and this tried again.
    private func deliver(_ event: NucosEvent, from start: Int = 0) -> Bool {
        guard let listener = shared.deliver(event, from: start) else { return true }
        undelivered = (event, listener)
        connection.setReceiving(false)
        connection.context.loop.schedule(after: .milliseconds(5)) { [weak self] in self?.deliverAgain() }
        return false
    }

    private func deliverAgain() {
        guard let (event, listener) = undelivered else { return }
        undelivered = nil
        guard deliver(event, from: listener) else { return }
        connection.setReceiving(true)
        resumeDecoding()
    }

    private func resumeDecoding() { decoder.resume { self.handle($0, $1) } }

    /// Logs what a client did wrong.
    ///
    /// One who does nothing else does not fill the log: the first few, then every thousandth.
    private func complain(_ message: Logger.Message, _ metadata: @autoclosure () -> Logger.Metadata) {
        complaints += 1
        guard complaints <= 5 || complaints % 1_000 == 0 else { return }
        var metadata = metadata()
        metadata["session"] = "\(connection.id)"
        metadata["count"] = "\(complaints)"
        shared.logger.info(message, metadata: metadata)
    }

    // MARK: Actions

    private func perform(_ action: NucosAction) {
        switch action {
        case .ignore, .event, .publish, .subscribe:
            break
        case .drop(let reason):
            complain("A message was dropped.", ["reason": "\(reason.rawValue)"])
        case .send(let bytes):
            connection.send(bytes.span)
        case .askChallenge(let uid):
            ask { authenticator in
                let challenge = try await authenticator.challenge(for: uid)
                return .challenge(challenge.json)
            }
        case .verify(let uid, let signature, let challenge):
            ask { authenticator in
                let signature = Payload(.json, bytes: signature)
                let challenge = Payload(.json, bytes: challenge)
                return .verdict(
                    try await authenticator.verify(uid: uid, signature: signature, challenge: challenge)
                )
            }
        case .opened(let uid, let bytes):
            open(uid, bytes)
        case .pong:
            for waiter in pingWaiters { waiter.unpark(true) }
            pingWaiters = []
        case .close(let bytes, let reason):
            if let bytes { connection.send(bytes.span) }
            connection.close(Self.closeReason(reason))
        }
    }

    private static func closeReason(_ reason: NucosCloseReason) -> CloseReason {
        switch reason {
        case .peerAnnounced, .peerClosed: .peer
        case .serverClosed: .local
        case .idle, .handshakeTimedOut, .closeTimedOut: .timedOut(reason.rawValue)
        case .uidRefused, .unexpectedAnswer, .authenticationFailed: .protocolError(reason.rawValue)
        }
    }

    private func open(_ uid: String?, _ bytes: [UInt8]) {
        if let uid {
            connection.identity = uid
            // Before the client learns that it is in: whoever hears of it can reach it by its name.
            connection.join(uid, exclusive: true, format: shared.format)
        }
        shared.opened(connection.id)
        connection.send(bytes.span)
        for frame in queued { connection.send(frame.span) }
        queued = []
    }

    private enum Answer: Sendable {
        /// Nil when what the application made is no JSON.
        case challenge([UInt8]?)
        case verdict(Bool)
    }

    /// Asks the authenticator, off the loop, at most as long as a step may take; errors refuse.
    private func ask(
        _ question: @escaping @Sendable (any NucosAuthenticator) async throws -> Answer
    ) {
        guard let authenticator = shared.configuration.authenticator else { return }
        connection.setReceiving(false)
        let (id, shared) = (connection.id, self.shared)
        let (later, loop) = (LaterConnection(self), connection.context.loop)
        shared.tasks.add {
            let answer: Answer
            do {
                answer = try await question(authenticator)
            } catch {
                shared.logger.warning(
                    "The authenticator failed.",
                    metadata: ["session": "\(id)", "error": "\(error)"]
                )
                answer = .verdict(false)
            }
            loop.execute { later.find()?.applicationAnswered(answer) }
        }
    }

    private func applicationAnswered(_ answer: Answer) {
        switch answer {
        case .challenge(let bytes?): perform(machine.challengeReady(bytes))
        case .challenge(nil): perform(machine.verified(false))
        case .verdict(let isGenuine): perform(machine.verified(isGenuine))
        }
        rearm()
        connection.setReceiving(true)
        resumeDecoding()
    }

    private func rearm() {
        isOpen = machine.isOpen
        let wanted = machine.timeout
        guard wanted != armed?.timeout else { return }
        armed = wanted.map { ($0, connection.context.turnTime) }
    }

    // MARK: From the server

    /// Sends a frame that is meant for this connection; during the handshake it waits for its end.
    func send(_ frame: [UInt8]) {
        guard !isOpen else { return connection.send(frame.span) }
        if queued.count < 1_024 { queued.append(frame) }
    }

    func send(event: String, _ payload: Payload) -> Bool {
        var frame: [UInt8] = []
        shared.format.encode(room: "", event: event, payload: payload, into: &frame)
        send(frame)
        return true
    }

    /// Sends a `ping`; `waiter` hears true with the `pong`, false when the connection ends first.
    func ping(_ waiter: Parker<Bool>) {
        guard isOpen else {
            waiter.unpark(false)
            return
        }
        pingWaiters.append(waiter)
        let ping = NucosControl.ping
        connection.send(ping.span)
    }

    /// A connection that may be gone by the time an answer comes.
    ///
    /// Not a weak reference: one would cost every use of the connection the slow path, for good.
    private struct LaterConnection: Sendable {
        private let id: SessionID
        private let context: LoopConfined<LoopContext>

        init(_ connection: NucosConnection) {
            let context = connection.connection.context
            id = connection.connection.id
            self.context = LoopConfined(onLoop: context, context.loop)
        }

        /// On the connection's loop.
        func find() -> NucosConnection? { context.value.connections[id]?.handler as? NucosConnection }
    }
}
