// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTLS

/// TLS between a client's socket and its handler, which hears the same as it would of a plain socket.
///
/// The handler hears `connected` when the handshake is over. It sends by `send` and ends by `close`; what it receives
/// is plaintext. A handler that pauses the socket pauses this too. Out of one send of the handler's, at most 64 KiB,
/// come the bytes that wait here.
///
/// Loop-confined.
final class TLSStream: IOHandler {
    private enum Phase {
        case handshaking, open
        /// The peer will send no more, or it broke; the handler has heard it.
        case over
        /// The handler wants no more; the rest is sent.
        case closing
    }

    /// How long the kernel may take for what is left to send at the end.
    private static let closeTimeout = Duration.seconds(1)

    private let loop: EventLoop
    private let handle: IOHandle
    private var engine: TLSEngine
    private let memory: TLSMemory
    /// Let go in `closed`.
    private var handler: (any IOHandler)?
    private var phase = Phase.handshaking
    private var ciphertext = OutboundBytes()
    private var isBusy = false
    private var owesWritable = false
    private var timer: TimerID?
    /// Why it broke, if TLS is the reason.
    private(set) var failure: TLSError?

    /// Takes over a connection that stands, and begins the handshake.
    ///
    /// - Parameters:
    ///   - host: Whom the certificate has to be for.
    ///   - authorities: A file in PEM with those who are trusted; nil for the system's.
    /// - Throws: ``TLSError`` `.configuration`.
    init(
        _ handle: IOHandle,
        on loop: EventLoop,
        host: String,
        authorities: String?,
        handler: any IOHandler
    ) throws(TLSError) {
        self.handle = handle
        self.loop = loop
        self.handler = handler
        memory = TLSMemory.of(loop)
        engine = try TLSEngine(try memory.context(authorities), host: host)
        try engine.start()
        loop.setHandler(self, of: handle)
        flush()
        loop.startReceiving(handle)
    }

    /// The handshake is over.
    var isOpen: Bool { phase == .open }

    /// Bytes that wait for the kernel.
    var pendingBytes: Int { ciphertext.byteCount }

    // MARK: Sending

    /// As a loop's `send`.
    func send(_ batch: SendBatch) -> SendAdmission {
        guard phase != .closing, phase != .over else { return .closed }
        guard phase == .open, !isBusy, ciphertext.byteCount == 0 else {
            owesWritable = true
            return .busy
        }
        encrypt(batch.first)
        for segment in batch.rest { encrypt(segment) }
        flush()
        return .queued
    }

    private func encrypt(_ segment: Segment) {
        segment.chunk.withBytes(segment.start..<segment.end) { bytes in
            do throws(TLSError) {
                try engine.write(bytes)
            } catch {
                failure = failure ?? error
                loop.close(handle)
            }
        }
    }

    private func flush() {
        engine.drain { ciphertext.append($0) }
        pump()
    }

    private func pump() {
        while !isBusy, let batch = ciphertext.next {
            switch loop.send(batch, on: handle) {
            case .queued: ciphertext.removeNext()
            case .busy: isBusy = true
            case .closed: return
            }
        }
    }

    func writable(_ handle: IOHandle) {
        isBusy = false
        pump()
        if phase == .open, ciphertext.byteCount == 0 { tellWritable() }
    }

    private func tellWritable() {
        guard owesWritable else { return }
        owesWritable = false
        handler?.writable(handle)
    }

    // MARK: Receiving

    func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        guard phase == .handshaking || phase == .open else { return }
        engine.feed(bytes)
        memory.lend { plaintext in
            do throws(TLSError) {
                while phase == .handshaking || phase == .open {
                    plaintext.removeAll(keepingCapacity: true)
                    let event = try engine.next(into: &plaintext)
                    flush()
                    guard take(event, plaintext) else { return }
                }
            } catch {
                // With the alert for the peer, if there is one.
                flush()
                fail(error)
            }
        }
    }

    /// Whether there may be more.
    private func take(_ event: TLSEngine.Event, _ plaintext: [UInt8]) -> Bool {
        switch event {
        case .opened:
            phase = .open
            handler?.connected(handle)
            if phase == .open, !isBusy { tellWritable() }
        case .plaintext: handler?.received(plaintext.span, on: handle)
        case .needsMore: return false
        case .ended:
            phase = .over
            handler?.ended(handle)
            return false
        }
        return true
    }

    // MARK: End

    private func fail(_ error: TLSError) {
        phase = .over
        failure = failure ?? error
        handler?.failed(handle, IOError(.reset, error.message))
    }

    /// The peer's word for the end comes before the end: without it, something may be missing.
    func ended(_ handle: IOHandle) {
        switch phase {
        case .handshaking: fail(TLSError(.truncated, "the peer hung up in the TLS handshake"))
        case .open: fail(TLSError(.truncated, "the connection was cut"))
        case .over, .closing: break
        }
    }

    func failed(_ handle: IOHandle, _ error: IOError) {
        guard phase != .closing else { return loop.close(handle) }
        phase = .over
        // Nothing can be sent any more.
        isBusy = true
        handler?.failed(handle, error)
    }

    /// Ends the connection, with word for the peer if it takes it.
    func close() {
        guard phase != .closing else { return }
        phase = .closing
        engine.end()
        flush()
        guard !isBusy, failure?.code != .truncated else { return loop.close(handle) }
        loop.finish(handle)
        timer = loop.schedule(after: Self.closeTimeout) { [weak self] in
            guard let self else { return }
            self.loop.close(self.handle)
        }
    }

    func finished(_ handle: IOHandle) { loop.close(handle) }

    func closed(_ handle: IOHandle) {
        loop.cancel(timer)
        phase = .closing
        ciphertext = OutboundBytes()
        handler?.closed(handle)
        handler = nil
    }
}
