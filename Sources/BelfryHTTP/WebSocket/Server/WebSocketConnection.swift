// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import Belfry
import BelfryIO

/// The server's side of one WebSocket, between the broker's connection and a protocol.
///
/// Loop-confined.
package final class WebSocketConnection: ConnectionHandler {
    /// The broker's side.
    package let connection: Connection
    /// How it was set up.
    package let configuration: WebSocketConfiguration
    /// The subprotocol that was agreed on.
    package let subprotocol: String?
    /// What was agreed on for compression; nil for none.
    package let deflate: DeflateParameters?
    private var delegate: (any WebSocketDelegate)?
    private var decoder: WebSocketDecoder
    private var deflater: MessageDeflater?
    private let scratch: WebSocketScratch
    private var phase = Phase.open
    private var peerCode: WebSocketCloseCode?
    private var watch: Watch
    private var isReceiving = true

    private enum Phase {
        case open
        /// Our close frame is sent; the peer's has to come until then.
        case closing(until: Int64, CloseReason)
        case closed
    }

    /// The state of the connection's time-outs.
    private struct Watch {
        /// A ping that was sent into silence.
        var ping: (mark: WireMark, since: Int64, isOnWire: Bool)?
        /// When the message under way was first seen unfinished, and what had come then.
        var message: (since: Int64, bytes: Int)?
        /// What is read counts from here.
        var listensSince: Int64
        /// All bytes that came.
        var bytes = 0
    }

    init(
        _ connection: Connection,
        configuration: WebSocketConfiguration,
        subprotocol: String?,
        deflate: DeflateParameters?
    ) {
        self.connection = connection
        self.configuration = configuration
        self.subprotocol = subprotocol
        self.deflate = deflate
        decoder = WebSocketDecoder(
            .server,
            maxMessageBytes: configuration.maxMessageBytes,
            maxFrameBytes: configuration.maxFrameBytes,
            deflate: deflate
        )
        if let deflate, let options = configuration.deflate {
            deflater = MessageDeflater(deflate, .server, options)
        }
        scratch = WebSocketScratch.of(connection.context.loop)
        watch = Watch(listensSince: connection.context.turnTime)
    }

    /// Names the protocol's side; before `opened`.
    func setDelegate(_ delegate: any WebSocketDelegate) { self.delegate = delegate }

    /// Whether messages may be sent.
    package var isOpen: Bool { if case .open = phase { true } else { false } }

    // MARK: Sending

    /// Sends a message, compressed where that was agreed on and it is worth it.
    ///
    /// - Parameters:
    ///   - kind: What it is; of a text the caller sees to it that it is UTF-8.
    ///   - payload: Its bytes.
    package func send(_ kind: WebSocketMessageKind, _ payload: Span<UInt8>) {
        guard isOpen else { return }
        var frame: [UInt8] = []
        if deflater != nil, let compressed = compress(payload) {
            WebSocketEncoder.append(kind.opcode, compressed.span, isCompressed: true, to: &frame)
        } else {
            frame.reserveCapacity(payload.count + WebSocketEncoder.maxHeaderBytes)
            WebSocketEncoder.append(kind.opcode, payload, to: &frame)
        }
        connection.send(frame.span)
    }

    /// Sends a server's frame as it is, as `received` hands it on.
    package func send(frame: Span<UInt8>) {
        guard isOpen else { return }
        connection.send(frame)
    }

    private func compress(_ payload: Span<UInt8>) -> [UInt8]? {
        guard var deflater = deflater.take() else { return nil }
        let compressed = deflater.deflate(payload)
        self.deflater = consume deflater
        return compressed
    }

    /// Stops or goes on reading from the peer; what had arrived still comes.
    package func setReceiving(_ receiving: Bool) {
        guard isReceiving != receiving else { return }
        isReceiving = receiving
        watch = Watch(listensSince: connection.context.turnTime, bytes: watch.bytes)
        connection.setReceiving(receiving)
    }

    /// Closes: sends a close frame behind what is queued, and waits `closeTimeout` at most for the peer's.
    package func close(_ code: WebSocketCloseCode = .normal, reason: String = "") {
        close(code, reason, because: .local)
    }

    private func close(_ code: WebSocketCloseCode, _ text: String, because reason: CloseReason) {
        guard isOpen else { return }
        let limit = configuration.closeTimeout.nanoseconds
        phase = .closing(until: connection.context.turnTime.addingReportingOverflow(limit).partialValue, reason)
        sendClose(code, text)
        // Its close frame is what it waits for now.
        connection.setReceiving(true)
    }

    private func sendClose(_ code: WebSocketCloseCode?, _ reason: String) {
        var frame: [UInt8] = []
        WebSocketEncoder.appendClose(code, reason: reason, to: &frame)
        connection.send(frame.span)
    }

    // MARK: From the broker

    package func opened() { delegate?.opened() }

    package func received(_ bytes: Span<UInt8>) {
        watch.bytes &+= bytes.count
        scratch.lend { memory in
            decoder.decode(bytes, scratch: &memory) { [self] event, bytes in handle(event, bytes) }
        }
        delegate?.receivedAll()
    }

    @inline(__always)
    private func handle(_ event: WebSocketEvent, _ bytes: Span<UInt8>) {
        if case .message(let kind, let headerBytes) = event {
            guard isOpen else { return }
            delegate?.received(kind, bytes.extracting(droppingFirst: headerBytes), frame: bytes)
        } else {
            handleControl(event, bytes)
        }
    }

    private func handleControl(_ event: WebSocketEvent, _ bytes: Span<UInt8>) {
        // What answers earlier messages goes first.
        delegate?.receivedAll()
        switch event {
        case .message, .pong: break
        case .ping:
            guard isOpen else { return }
            var frame: [UInt8] = []
            WebSocketEncoder.append(.pong, bytes, to: &frame)
            connection.send(frame.span)
        case .close(let code):
            peerCode = code ?? .noStatus
            switch phase {
            case .open:
                phase = .closed
                sendClose(code, "")
                connection.close(.peer)
            case .closing(_, let reason):
                phase = .closed
                connection.close(reason)
            case .closed: break
            }
        case .failed(let fault):
            if isOpen { sendClose(fault.code, fault.rule) }
            phase = .closed
            connection.close(.protocolError(fault.rule))
        }
    }

    package func drained() { delegate?.drained() }

    package func drain() {
        guard isOpen else { return }
        delegate?.drain()
        close(.goingAway, "", because: .local)
    }

    package func peerEnded() {
        guard isOpen else { return }
        phase = .closed
        // Without a close frame: whoever sent it is not there to be answered.
        connection.close(.peer)
    }

    package func send(event: String, _ payload: Payload) -> Bool {
        guard isOpen else { return false }
        return delegate?.send(event: event, payload) ?? false
    }

    package func closed(_ reason: CloseReason) {
        phase = .closed
        let delegate = self.delegate
        self.delegate = nil
        delegate?.closed(peerCode ?? .abnormal, reason)
    }

    // MARK: Time

    package func tick(now: Int64) {
        switch phase {
        case .open: look(now)
        case .closing(let end, let reason):
            guard now >= end else { return }
            phase = .closed
            connection.close(reason)
        case .closed: break
        }
    }

    private func look(_ now: Int64) {
        // A peer that is not read from can't prove anything.
        guard isReceiving else { return }
        if let ping = watch.ping {
            look(after: ping, now)
        } else if now - max(connection.lastReceived, watch.listensSince) >= configuration.pingInterval.nanoseconds {
            var frame: [UInt8] = []
            WebSocketEncoder.append(.ping, Span(), to: &frame)
            connection.send(frame.span)
            watch.ping = (connection.wireMark, now, false)
        }
        lookAfterMessage(now)
    }

    private func look(after ping: (mark: WireMark, since: Int64, isOnWire: Bool), _ now: Int64) {
        guard connection.lastReceived <= ping.since else {
            // It lives.
            watch.ping = nil
            return
        }
        if !ping.isOnWire {
            if connection.hasSent(ping.mark) {
                // Counted from here: while it was queued the peer could not know of it.
                watch.ping = (ping.mark, now, true)
            } else if now - ping.since >= configuration.stallTimeout.nanoseconds {
                connection.fail(.slowConsumer)
            }
        } else if now - ping.since >= configuration.pongTimeout.nanoseconds {
            connection.fail(.timedOut("a pong"))
        }
    }

    /// A message that dribbles in is not waited for.
    private func lookAfterMessage(_ now: Int64) {
        guard configuration.minBytesPerSecond > 0, decoder.isWithinMessage else {
            watch.message = nil
            return
        }
        guard let message = watch.message else {
            watch.message = (now, watch.bytes)
            return
        }
        let seconds = Int((now - message.since) / 1_000_000_000)
        guard seconds >= 10 else { return }
        if watch.bytes &- message.bytes
            < configuration.minBytesPerSecond.multipliedReportingOverflow(by: seconds).partialValue
        {
            close(.policyViolation, "a message comes too slowly", because: .timedOut("a message"))
        }
    }
}
