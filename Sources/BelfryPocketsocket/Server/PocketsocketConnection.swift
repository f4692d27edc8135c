// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryJSON

/// The server's side of one client.
///
/// Loop-confined.
final class PocketsocketConnection: WebSocketDelegate {
    private let socket: WebSocketConnection
    private let connection: Connection
    private let context: LoopContext
    private let broker: BrokerShared
    private let shared: PocketsocketShared
    private let tap: PocketsocketTap
    /// Boxed once, not for each message.
    private let format: any WireFormat
    /// In which it publishes.
    private let published: any WireFormat
    private let echo: Bool
    private let isTraced: Bool
    private let forwardsCoreEvents: Bool
    /// Whether frames have to be compressed before they fit the format.
    private let isCompressed: Bool
    /// What the client says it has; nil for one that does not resume.
    private let resume: ResumeRequest?
    private var membership: Membership?
    private var shape = ClientMessageShape()
    private var isAnnounced = false

    init(_ socket: WebSocketConnection, _ shared: PocketsocketShared, resume: ResumeRequest? = nil) {
        self.socket = socket
        connection = socket.connection
        context = connection.context
        self.shared = shared
        broker = shared.broker
        tap = shared.tap(of: socket.connection.context)
        self.resume = resume
        if resume == nil {
            format = socket.format(VerbatimContent())
        } else {
            format = socket.format(PositionedContent())
        }
        isCompressed = resume == nil && format.name != shared.format.name
        published = resume == nil ? format : shared.format
        echo = shared.configuration.echo
        isTraced = shared.configuration.trace != nil
        forwardsCoreEvents = shared.configuration.forwardsCoreEvents
    }

    // MARK: Life

    func opened() {
        isAnnounced = true
        shared.count(1, on: context)
        trace(.connected(host: connection.peer?.host ?? "", port: connection.peer?.port ?? 0))
        shared.announce("connected", connection)
        join()
        shared.omitPast(connection)
        membership = connection.membership(of: shared.hub)
        // Before the answer to the handshake leaves: once the client can tell others that it is here, it is.
        context.settle()
    }

    private func join() {
        var replay: ReplayRequest?
        if let resume {
            shared.countResumer(1, on: context)
            replay = ReplayRequest(from: resume.next, maxMessages: resume.limit, omitting: resume.session) {
                connection,
                start in
                connection.send(Self.frame(ServerText.resumption(start, connection.id)).span)
            }
        }
        connection.join(shared.hub, format: format, lag: shared.configuration.lag, isOwn: true, replay: replay)
    }

    private static func frame(_ text: [UInt8]) -> [UInt8] { WebSocketFormat(VerbatimContent()).frame(text) }

    func closed(_ code: WebSocketCloseCode, _ reason: CloseReason) {
        guard isAnnounced else { return }
        isAnnounced = false
        membership = nil
        shared.count(-1, on: context)
        if resume != nil { shared.countResumer(-1, on: context) }
        trace(.disconnected(host: connection.peer?.host ?? "", port: connection.peer?.port ?? 0))
        // When all go at once nobody is told of each.
        if !context.isStopped { shared.announce("disconnected", connection) }
    }

    // MARK: Messages

    func received(_ kind: WebSocketMessageKind, _ payload: Span<UInt8>, frame: Span<UInt8>) {
        let message = shape.message(of: payload)
        if message.hasSocket, !forwardsCoreEvents { return }
        tap.addReceipt(for: message, payload, at: context.wallClock)
        // Before the message itself comes back.
        if echo { tap.sendReceipts(to: socket) }
        guard let membership else { return }
        if isTraced { traceReceived(payload) }
        // Not `==`: in another module's enumeration that is a call through the protocol.
        if case .text = kind, !isCompressed {
            if !connection.publishPlainly(frame, to: membership, toSelf: echo) {
                connection.publish(frame, format: published, to: membership, toSelf: echo)
            }
        } else {
            publishAnew(payload, kind, to: membership, toSelf: echo)
        }
        if isTraced { traceSent(payload) }
        if let text = message.message, broker.hasPublicRooms { relay(message, text, payload) }
        if shared.hasReaders || connection.hasReaders { tellProcess(message, payload) }
    }

    func receivedAll() { tap.sendReceipts(to: socket) }

    /// A binary message goes out as a text, as from the original, unless that can't be; a compressed one is compressed
    /// once for all.
    private func publishAnew(
        _ payload: Span<UInt8>,
        _ kind: WebSocketMessageKind,
        to membership: Membership,
        toSelf: Bool
    ) {
        var bytes: [UInt8] = []
        bytes.append(bytes: payload)
        let isText = kind == .text || (try? UTF8Span(validating: payload)) != nil
        var frame: [UInt8] = []
        published.encode(room: "", event: "", payload: Payload(isText ? .text : .binary, bytes: bytes), into: &frame)
        connection.publish(frame.span, format: published, to: membership, toSelf: toSelf)
    }

    /// Publishes to the room of the message's channel, if there is one.
    private func relay(_ message: ClientMessage, _ name: JSONText, _ text: Span<UInt8>) {
        let (channel, event) = ClientMessage.split(name.string(in: text))
        guard shared.configuration.rooms.contains(channel) else { return }
        let payload = message.payload(in: text)
        let (sender, shared) = (Sender.session(connection.id), shared)
        context.toLoop(shared.broker.home(of: channel)) {
            $0.relay(event, payload, to: channel, sender: sender, from: shared.tap(of: $0))
        }
    }

    private func tellProcess(_ message: ClientMessage, _ text: Span<UInt8>) {
        let name = message.message?.string(in: text)
        let parts = name.map(ClientMessage.split)
        let payload = message.payload(in: text)
        if connection.hasReaders { connection.deliver(event: name ?? "", name == nil ? .text(string(text)) : payload) }
        shared.tellReaders(
            ReceivedMessage(
                session: connection.id,
                peer: connection.peer,
                text: string(text),
                channel: parts?.channel,
                event: parts?.event ?? "",
                data: payload
            )
        )
    }

    func send(event: String, _ payload: Payload) -> Bool {
        guard let text = ServerText.message(event, payload, id: ServerText.newID()) else { return false }
        socket.send(.text, text.span)
        return true
    }

    // MARK: Trace

    private func trace(_ what: PocketsocketTrace) { shared.configuration.trace?(what) }

    private func traceReceived(_ text: Span<UInt8>) { trace(.received(string(text))) }

    private func traceSent(_ text: Span<UInt8>) {
        guard let trace = shared.configuration.trace else { return }
        let (hub, text, others) = (shared.hub, string(text), echo ? 0 : 1)
        context.toLoop(shared.broker.home(of: hub)) {
            trace(.sent(text, receivers: $0.memberCount(of: hub) - others))
        }
    }

    private func string(_ text: Span<UInt8>) -> String {
        var bytes: [UInt8] = []
        bytes.append(bytes: text)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension ClientMessage {
    /// The data as a payload of its own; `{}` where there is none.
    func payload(in text: Span<UInt8>) -> Payload {
        guard let data else { return .json("{}") }
        var bytes: [UInt8] = []
        bytes.append(bytes: text.extracting(data))
        return Payload(.json, bytes: bytes)
    }
}
