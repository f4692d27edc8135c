// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTLS

/// A client's socket: handshake, frames both ways, pings and the order of closing.
///
/// Loop-confined.
final class WebSocketClientLink: IOHandler, WebSocketLink {
    /// How opening ended: the subprotocol, or the error.
    let outcome = Parker<Result<String?, WebSocketError>>()

    private weak var channel: WebSocketChannel?
    private let loop: EventLoop
    private let configuration: WebSocketClient.Configuration
    private let scratch: WebSocketScratch
    private var handle = IOHandle.none
    private var phase = Phase.handshaking
    private var handshake: WebSocketClientHandshake
    private var decoder = WebSocketDecoder(.client)
    private var deflater: MessageDeflater?
    private var random = SystemRandomNumberGenerator()
    private var outbound = OutboundBytes()
    private var tls: TLSStream?
    private var isBusy = false
    private var isReceiving = true
    private var timer: TimerID?
    private var lastReceived: Int64 = 0
    /// A ping that was sent into silence, timed from when the kernel has it.
    private var ping: (since: Int64, isOnWire: Bool)?
    private var end = WebSocketEnd(code: .abnormal, reason: "")
    private var failure: WebSocketError?

    private enum Phase {
        case handshaking, open
        /// Our close frame is queued, the server's has not come.
        case closing
        /// Both are; the rest is sent, then the server ends the connection.
        case finishing
        case closed
    }

    init(_ channel: WebSocketChannel, loop: EventLoop, configuration: WebSocketClient.Configuration) {
        self.channel = channel
        self.loop = loop
        self.configuration = configuration
        scratch = WebSocketScratch.of(loop)
        handshake = WebSocketClientHandshake(configuration, key: WebSocketKey.make(using: &random))
    }

    // MARK: Opening

    func start(on handle: IOHandle, _ url: WebSocketURL) {
        self.handle = handle
        if !url.isSecure { loop.setHandler(self, of: handle) }
        if let keepAlive = configuration.keepAlive { loop.setKeepAlive(keepAlive, of: handle) }
        do throws(WebSocketError) {
            let request = try handshake.request(url)
            outbound.append(request.span)
            if url.isSecure { try startTLS(url.host) }
        } catch {
            return fail(error)
        }
        loop.startReceiving(handle)
        arm(configuration.handshakeTimeout) { link in
            let kind = link.tls?.isOpen == false ? "TLS handshake" : "handshake"
            link.fail(WebSocketError(.connectFailed, "no answer to the \(kind)"))
        }
        pump()
    }

    private func startTLS(_ host: String) throws(WebSocketError) {
        do throws(TLSError) {
            tls = try TLSStream(
                handle,
                on: loop,
                host: host,
                authorities: configuration.authorities,
                handler: self
            )
        } catch {
            loop.setHandler(self, of: handle)
            throw WebSocketError(.connectFailed, error.message)
        }
    }

    private func receiveHandshake(_ bytes: Span<UInt8>) {
        do throws(WebSocketError) {
            guard let (agreement, next) = try handshake.receive(bytes) else { return }
            loop.cancel(timer)
            timer = nil
            decoder = WebSocketDecoder(
                .client,
                maxMessageBytes: configuration.maxMessageBytes,
                deflate: agreement.deflate
            )
            if let deflate = agreement.deflate, let options = configuration.deflate {
                deflater = MessageDeflater(deflate, .client, options)
            }
            phase = .open
            if configuration.pingInterval != nil { watch() }
            outcome.unpark(.success(agreement.subprotocol))
            if next < bytes.count { received(bytes.extracting(droppingFirst: next), on: handle) }
        } catch {
            fail(error)
        }
    }

    // MARK: Receiving

    func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        lastReceived = loop.nowNanoseconds
        switch phase {
        case .handshaking: receiveHandshake(bytes)
        case .open, .closing:
            scratch.lend { memory in
                decoder.decode(bytes, scratch: &memory) { [self] event, bytes in take(event, bytes) }
            }
        case .finishing, .closed: break
        }
    }

    private func take(_ event: WebSocketEvent, _ bytes: Span<UInt8>) {
        switch event {
        case .message(let kind, let headerBytes):
            channel?.received(kind, bytes.extracting(droppingFirst: headerBytes))
        case .pong: break
        case .ping:
            // One who sends pings and reads no pongs gets no more of them.
            guard phase == .open, outbound.byteCount <= configuration.maxPendingBytes else { return }
            enqueue(.pong, bytes)
        case .close(let code):
            var reason: [UInt8] = []
            reason.append(copying: bytes)
            end = WebSocketEnd(code: code ?? .noStatus, reason: String(decoding: reason, as: UTF8.self))
            failure = WebSocketError(end)
            if phase == .open { enqueueClose(code, "") }
            finish()
        case .failed(let fault):
            failure = WebSocketError(.protocolError, fault.rule, closeCode: fault.code)
            if phase == .open { enqueueClose(fault.code, fault.rule) }
            finish()
        }
    }

    func setReceiving(_ receiving: Bool) {
        guard phase == .open || phase == .closing, isReceiving != receiving else { return }
        isReceiving = receiving
        ping = nil
        lastReceived = loop.nowNanoseconds
        if receiving { loop.startReceiving(handle) } else { loop.pauseReceiving(handle) }
    }

    // MARK: Sending

    /// It always does.
    func announceRoom() {}
    var pendingBytes: Int { outbound.byteCount + (tls?.pendingBytes ?? 0) }

    func send(_ kind: WebSocketMessageKind, _ payload: Span<UInt8>) {
        guard phase == .open else { return }
        if deflater != nil, let compressed = compress(payload) {
            return enqueue(kind.opcode, compressed.span, isCompressed: true)
        }
        enqueue(kind.opcode, payload)
    }

    private func compress(_ payload: Span<UInt8>) -> [UInt8]? {
        guard var deflater = deflater.take() else { return nil }
        let compressed = deflater.deflate(payload)
        self.deflater = consume deflater
        return compressed
    }

    private func enqueue(_ opcode: WebSocketOpcode, _ payload: Span<UInt8>, isCompressed: Bool = false) {
        var frame: [UInt8] = []
        frame.reserveCapacity(payload.count + WebSocketFrameHeader.maxBytes)
        let key = UInt32(truncatingIfNeeded: random.next())
        WebSocketEncoder.append(opcode, payload, isCompressed: isCompressed, key: key, to: &frame)
        outbound.append(frame.span)
        pump()
    }

    private func enqueueClose(_ code: WebSocketCloseCode?, _ reason: String) {
        var frame: [UInt8] = []
        let key = UInt32(truncatingIfNeeded: random.next())
        WebSocketEncoder.appendClose(code, reason: reason, key: key, to: &frame)
        outbound.append(frame.span)
        pump()
    }

    private func pump() {
        while !isBusy, let batch = outbound.next {
            switch tls?.send(batch) ?? loop.send(batch, on: handle) {
            case .queued: outbound.removeNext()
            case .busy: isBusy = true
            case .closed: return
            }
        }
        channel?.hasRoom()
    }

    func writable(_ handle: IOHandle) {
        isBusy = false
        pump()
    }

    // MARK: Time

    private func arm(_ limit: Duration, _ action: @escaping (WebSocketClientLink) -> Void) {
        loop.cancel(timer)
        timer = loop.schedule(after: limit) { [weak self] in
            guard let self else { return }
            self.timer = nil
            action(self)
        }
    }

    /// Looks after the server about once a second.
    private func watch() {
        arm(.seconds(1)) { link in
            guard link.phase == .open, let interval = link.configuration.pingInterval else { return }
            if link.isReceiving { link.look(interval) }
            if link.phase == .open { link.watch() }
        }
    }

    private func look(_ interval: Duration) {
        let now = loop.nowNanoseconds
        guard let ping else {
            guard now - lastReceived >= interval.nanoseconds else { return }
            self.ping = (now, false)
            return enqueue(.ping, Span())
        }
        if lastReceived > ping.since {
            self.ping = nil
        } else if !ping.isOnWire {
            // Behind a queue that does not shrink it waits as long as the sender does.
            if pendingBytes == 0, !loop.isSending(handle) { self.ping = (now, true) }
        } else if now - ping.since >= configuration.pongTimeout.nanoseconds {
            fail(WebSocketError(.connectionLost, "no answer to a ping", closeCode: .abnormal))
        }
    }

    // MARK: Closing

    func close(_ code: WebSocketCloseCode, reason: String) {
        guard phase == .open else { return }
        phase = .closing
        enqueueClose(code, reason)
        arm(configuration.closeTimeout) { $0.abort() }
    }

    /// Both close frames are on their way; it is the server's part to end the connection (RFC 6455, §7.1.1).
    private func finish() {
        phase = .finishing
        if !isReceiving { loop.startReceiving(handle) }
        arm(configuration.closeTimeout) { $0.abort() }
    }

    private func fail(_ error: WebSocketError) {
        if failure == nil { failure = error }
        if phase == .handshaking { outcome.unpark(.failure(error)) }
        abort()
    }

    func abort() {
        guard phase != .closed else { return }
        phase = .closed
        loop.cancel(timer)
        timer = nil
        if let tls { tls.close() } else { loop.close(handle) }
    }

    func ended(_ handle: IOHandle) {
        switch phase {
        case .handshaking: fail(WebSocketError(.badHandshake, "the server hung up"))
        case .open, .closing:
            failure = failure ?? WebSocketError(end)
            abort()
        case .finishing, .closed: abort()
        }
    }

    func failed(_ handle: IOHandle, _ error: IOError) {
        switch phase {
        case .handshaking:
            let isUntrusted = tls?.failure?.isUntrusted == true
            fail(WebSocketError(isUntrusted ? .untrusted : .connectFailed, error.message))
        // Behind the close frames it makes no difference how the connection ends.
        case .finishing, .closed: abort()
        case .open, .closing: fail(WebSocketError(.connectionLost, error.message, closeCode: .abnormal))
        }
    }

    func closed(_ handle: IOHandle) {
        loop.cancel(timer)
        if phase == .handshaking { outcome.unpark(.failure(WebSocketError(.connectFailed, "the loop has stopped"))) }
        phase = .closed
        outbound = OutboundBytes()
        tls = nil
        channel?.ended(end, failure ?? WebSocketError(end))
    }
}
