// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryJSON
import Logging

/// The server's side of one connection: decoder and machine between the broker's connection and the registry of clients.
///
/// Loop-confined. From the negotiation on, until the registry has let the client in, the decoder is held.
final class ServerConnection: ConnectionHandler {
    let connection: Connection
    let shared: ServerShared
    private var machine: NegotiationMachine
    private var decoder: FrameDecoder
    private let acceptedAt: Int64
    /// Who the client says it is.
    private(set) var id: String?
    private var membership: Membership?
    /// Whether it gets positions.
    private var isPositioned = false
    /// Let in, but what the room's past has for it has not been sent: what goes to it alone waits here, in order.
    var welcome: Welcome?
    private var waitingBytes = 0
    /// The decoder waits until the registry has let the client in.
    private var isHeld = false
    /// Nothing can be sent any more: the registry has been told, or told us.
    private(set) var isGone = false
    /// The server stops: this side has said goodbye and waits for the client to close.
    private var isStopping = false
    private var stopTimer: TimerID?
    private var complaints = 0
    private var scratch: [UInt8] = []

    init(_ connection: Connection, shared: ServerShared) {
        self.connection = connection
        self.shared = shared
        machine = NegotiationMachine(maxIDBytes: shared.configuration.maxIDBytes)
        decoder = FrameDecoder(
            maxBodyBytes: shared.configuration.maxBodyBytes,
            maxFirstBodyBytes: Self.maxNegotiationBytes
        )
        acceptedAt = connection.context.turnTime
    }

    /// Who has not said who it is may not fill the memory.
    private static let maxNegotiationBytes = 64 * 1024

    // MARK: From the broker

    func opened() {
        // Handed over between loops while the server stopped: a client that is told does not try for ever.
        if !shared.opened() { drain() }
    }

    func received(_ bytes: Span<UInt8>) {
        guard !isStopping else { return }
        decoder.decode(bytes) { self.handle($0, $1) }
    }

    func peerEnded() {
        guard !isStopping else { return connection.close(.local) }
        guard id != nil, !isGone else { return }
        isGone = true
        connection.linger(.peer)
        report()
    }

    func linkBroke() {
        guard id != nil, !isGone, !isStopping else { return }
        isGone = true
        connection.keepUnsent()
        report()
    }

    func drain() {
        guard !isStopping, !isGone else { return }
        isStopping = true
        machine.end()
        if welcome == nil { sayGoodbye() } else { welcome?.isLast = true }
        connection.setReceiving(true)
        connection.setEndDeferred(false)
        stopTimer = connection.context.loop.schedule(after: shared.configuration.stopTimeout) { [weak self] in
            guard let self else { return }
            self.stopTimer = nil
            self.connection.fail(.timedOut("the client did not close after the shutdown"))
        }
    }

    func sayGoodbye() {
        let frame = ServerShared.shutdownFrame
        connection.send(frame.span)
    }

    func send(event: String, _ payload: Payload) -> Bool {
        guard membership != nil, event != NegotiationMachine.Subject.shutdown,
            let frame = try? FrameEncoder.frame(subject: event, payload: payload)
        else { return false }
        send(frame, before: .max)
        return true
    }

    func tick(now: Int64) {
        guard machine.isWaiting, now - acceptedAt >= shared.configuration.negotiationTimeout.nanoseconds else { return }
        _ = perform(machine.timedOut())
    }

    func closed(_ reason: CloseReason) {
        connection.context.loop.cancel(stopTimer)
        stopTimer = nil
        machine.end()
        if id != nil, !isGone, !isStopping {
            // Closed by somebody else in this process.
            isGone = true
            report()
        }
        shared.closed()
    }

    // MARK: Inbound

    private func handle(_ part: FrameDecoder.Part, _ body: Span<UInt8>) -> FrameDecoder.Disposition {
        switch part {
        case .frame(let subject, let value), .marked(_, let subject, let value):
            let action = machine.frame(subject, value, body)
            if action == .deliver {
                deliver(subject, body.extracting(value.range))
                return .next
            }
            return perform(action)
        case .malformed(let subject, let fault):
            complain("A message was skipped: its body is no JSON.", ["rule": "\(fault.rule.rawValue)"])
            return perform(machine.frame(subject, nil, body))
        case .unreadable(let fault):
            connection.fail(.protocolError("\(fault)"))
            return .stop
        }
    }

    private func perform(_ action: NegotiationMachine.Action) -> FrameDecoder.Disposition {
        switch action {
        case .ignore, .deliver, .skip(.noJSON):
            return .next
        case .skip(let reason):
            complain("A message was skipped.", ["reason": "\(reason.rawValue)"])
            return .next
        case .accept(let id, let wasNumber, let resume):
            accept(id, wasNumber, resume)
            guard membership == nil else { return .next }
            isHeld = true
            connection.setReceiving(false)
            connection.setEndDeferred(true)
            return .hold
        case .leave:
            leave()
            return .stop
        case .refuse(let refusal):
            complain("A connection is closed.", ["reason": "\(refusal.rawValue)"])
            connection.close(
                refusal == .timedOut ? .timedOut(refusal.rawValue) : .protocolError(refusal.rawValue)
            )
            return .stop
        }
    }

    private func accept(_ id: String, _ wasNumber: Bool, _ resume: String?) {
        if wasNumber {
            shared.logger.info("A client's id is a number: its decimal text is the id.", metadata: ["id": "\(id)"])
        }
        self.id = id
        connection.identity = id
        let link = ClientRegistry.Link(
            session: connection.id,
            connection: LoopConfined(onLoop: self, connection.context.loop),
            resumes: resume != nil,
            position: resume.flatMap { RoomPosition(token: $0) },
            hasNothing: resume == MissionCommanderPositionedFormat.againToken
        )
        shared.atHome(connection.context) { $0.arrived(id, link, $1) }
    }

    private func leave() {
        if let id {
            let session = connection.id
            shared.atHome(connection.context) { $0.left(id, session, $1) }
        }
        isGone = true
        connection.close(.peer)
    }

    private func deliver(_ subject: String, _ value: Span<UInt8>) {
        if shared.configuration.publishesClientMessages { publish(subject, value) }
        guard let id, connection.hasReaders || !shared.messages.isEmpty else { return }
        let payload = Payload(.json, bytes: [UInt8](bytes: value))
        connection.deliver(event: subject, payload)
        shared.messages.send(
            .init(id: id, session: connection.id, message: Message(received: subject, payload))
        )
    }

    /// Written anew: what this server forwards is as the original writes it, whatever a client's header looks like.
    private func publish(_ subject: String, _ value: Span<UInt8>) {
        guard let membership else { return }
        var frame: [UInt8] = []
        swap(&frame, &scratch)
        frame.removeAll(keepingCapacity: true)
        do throws(MissionCommanderError) {
            try FrameEncoder.append(subject: subject, body: value, to: &frame)
            connection.publish(frame.span, format: shared.format, to: membership)
        } catch {
            complain("A message was not published.", ["reason": "\(error.message)"])
        }
        // One large message does not stay for ever.
        if frame.capacity <= 64 * 1024 { swap(&frame, &scratch) }
    }

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

    // MARK: From the registry

    private func report() {
        guard let id else { return }
        let session = connection.id
        shared.atHome(connection.context) { $0.broke(id, session, $1) }
    }

    /// The client is in: what waited for it comes first, then the room from where the registry took it in.
    func welcomed(_ welcome: Welcome) {
        isPositioned = welcome.isPositioned
        if welcome.admission.hasPast {
            self.welcome = welcome
        } else {
            connection.send(welcome.stream.span)
        }
        connection.enter(shared.room, welcome.admission, format: shared.format(isPositioned: isPositioned))
        guard let membership = connection.membership(of: shared.room) else { return }
        self.membership = membership
        // Not while the negotiation's own call is still under way.
        guard isHeld else { return }
        isHeld = false
        connection.setReceiving(true)
        decoder.resume { self.handle($0, $1) }
        connection.setEndDeferred(false)
    }

    /// Sends a frame, behind what the room was told before an offset; also on a gone link, to be collected.
    func send(_ frame: [UInt8], before offset: UInt64) {
        guard welcome != nil else { return connection.send(frame.span, before: offset) }
        welcome?.direct.append(DirectFrame(offset: offset, frame: frame))
        waitingBytes += frame.count
        let limit = connection.context.shared.configuration.limits.maxPendingBytes
        if !isGone, waitingBytes > limit { connection.fail(.slowConsumer) }
    }

    /// The client's place is another's, or nobody's, from an offset of the room on: gives what was not sent.
    func collect(before offset: UInt64) {
        guard let id else { return }
        isGone = true
        connection.linger(.local)
        let stream = connection.takeUnsent(before: offset)
        var unsent = UnsentFrames()
        if let welcome {
            unsent.append(stream: welcome.stream, isPositioned: false, before: welcome.admission.start)
            unsent.append(welcome.direct[welcome.sent...], before: offset)
            unsent.firstOfRoom = welcome.start
        }
        welcome = nil
        unsent.append(stream: stream, isPositioned: isPositioned, before: offset)
        let session = connection.id
        shared.atHome(connection.context) { [unsent] in $0.collected(id, session, unsent, $1) }
    }

    /// Somebody else with the same id came before this one was let in.
    func displaced() {
        isGone = true
        connection.close(.local)
        connection.setEndDeferred(false)
    }
}
