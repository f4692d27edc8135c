// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTLS

/// A client's socket: one request and its response at a time.
///
/// Loop-confined.
final class HTTPClientLink: IOHandler {
    /// How an exchange ended, and whether anything of the answer had come.
    struct Failure: Error {
        var error: HTTPClientError
        var isUnanswered: Bool
    }

    private let loop: EventLoop
    private let handle: IOHandle
    private var decoder: HTTPResponseDecoder
    private var outbound = OutboundBytes()
    private var tls: TLSStream?
    private var secured: Parker<HTTPClientError?>?
    private var isBusy = false
    private var isOpen = true
    private var head = HTTPResponseHead()
    private var body: [UInt8] = []
    private var isComplete = false
    private var fault: HTTPResponseFault?
    private var outcome: Parker<Result<HTTPClientResponse, Failure>>?
    private(set) var idleSince: Int64 = 0

    init(_ handle: IOHandle, on loop: EventLoop, limits: HTTPResponseDecoder.Limits) {
        self.handle = handle
        self.loop = loop
        decoder = HTTPResponseDecoder(limits: limits)
        loop.setHandler(self, of: handle)
        loop.startReceiving(handle)
    }

    /// Whether another request may be sent.
    var isUsable: Bool { isOpen && outcome == nil && decoder.isIdle }

    /// Goes over to TLS before the first request; ends the connection when that fails.
    ///
    /// - Throws: ``HTTPClientError`` `.connectFailed`, `.untrusted` or `.cancelled`.
    func secure(_ host: String, authorities: String?, within limit: Duration) async throws(HTTPClientError) {
        let parker = Parker<HTTPClientError?>()
        do throws(TLSError) {
            tls = try TLSStream(handle, on: loop, host: host, authorities: authorities, handler: self)
        } catch {
            abort()
            throw HTTPClientError(.connectFailed, error.message)
        }
        secured = parker
        let timer = loop.schedule(
            after: limit,
            waking: parker,
            with: HTTPClientError(.connectFailed, "no answer to the TLS handshake within \(limit)")
        )
        defer { loop.cancel(timer) }
        let error: HTTPClientError?
        switch await parker.park() {
        case .value(let value): error = value
        case .cancelled: error = HTTPClientError(.cancelled, "cancelled while connecting")
        }
        secured = nil
        guard let error else { return }
        abort()
        throw error
    }

    func connected(_ handle: IOHandle) { secured?.unpark(nil) }

    /// Sends a request and waits for its response; ends the connection when it fails, or takes longer than `limit`.
    func exchange(
        _ request: [UInt8],
        isToHead: Bool,
        within limit: Duration
    ) async throws(Failure) -> HTTPClientResponse {
        guard isUsable else { throw Failure(error: .init(.connectionLost, "the connection ended"), isUnanswered: true) }
        let parker = Parker<Result<HTTPClientResponse, Failure>>()
        outcome = parker
        isComplete = false
        decoder.expect(isToHead: isToHead)
        outbound.append(request.span)
        pump()
        let timer = loop.schedule(after: limit) { [weak self] in
            self?.fail(.init(.timedOut, "no response within \(limit)"))
        }
        // A loop that has stopped calls nobody back.
        if timer == nil { fail(.init(.connectionLost, "the event loop has stopped")) }
        defer { loop.cancel(timer) }
        switch await parker.park() {
        case .value(let result): return try result.get()
        case .cancelled:
            outcome = nil
            abort()
            throw Failure(error: .init(.cancelled, "cancelled while waiting for a response"), isUnanswered: false)
        }
    }

    // MARK: Sending

    private func pump() {
        while !isBusy, let batch = outbound.next {
            switch tls?.send(batch) ?? loop.send(batch, on: handle) {
            case .queued: outbound.removeNext()
            case .busy: isBusy = true
            case .closed: return
            }
        }
    }

    func writable(_ handle: IOHandle) {
        isBusy = false
        pump()
    }

    // MARK: Receiving

    func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        guard isOpen else { return }
        decoder.decode(bytes) { [self] part, bytes in take(part, bytes) }
        settle()
    }

    private func take(_ part: HTTPResponseDecoder.Part, _ bytes: Span<UInt8>) {
        switch part {
        case .head(let head):
            self.head = head
            body = []
            if case .length(let count) = head.framing { body.reserveCapacity(min(count, 64 * 1024)) }
        case .body: body.append(bytes: bytes)
        case .end: isComplete = true
        case .fault(let fault): self.fault = fault
        }
    }

    /// Does what came of the bytes: not while they are decoded.
    private func settle() {
        if isComplete, let parker = outcome.take() {
            let response = HTTPClientResponse(status: head.status, fields: head.fields, body: body)
            body = []
            idleSince = loop.nowNanoseconds
            // A server that answers before it has read everything is not going to.
            if !head.keepsAlive || outbound.next != nil { abort() }
            parker.unpark(.success(response))
        }
        // What comes behind the answer does not spoil it.
        guard let fault else { return }
        let code: HTTPClientError.Code = fault == .cutShort ? .connectionLost : .badResponse
        fail(.init(code, "\(fault)"), isUnanswered: false)
    }

    // MARK: End

    func ended(_ handle: IOHandle) {
        guard isOpen else { return }
        let isUnanswered = decoder.isUnanswered
        decoder.end { [self] part, bytes in take(part, bytes) }
        if isUnanswered { fault = nil }
        settle()
        fail(.init(.connectionLost, "the server closed the connection"), isUnanswered: isUnanswered)
    }

    func failed(_ handle: IOHandle, _ error: IOError) { fail(.init(.connectionLost, error.message)) }

    func closed(_ handle: IOHandle) {
        isOpen = false
        fail(.init(.connectionLost, "the connection ended"))
        outbound = OutboundBytes()
        tls = nil
    }

    private func fail(_ error: HTTPClientError, isUnanswered: Bool? = nil) {
        let isUnanswered = isUnanswered ?? decoder.isUnanswered
        abort()
        let isUntrusted = tls?.failure?.isUntrusted == true
        secured?.unpark(HTTPClientError(isUntrusted ? .untrusted : .connectFailed, error.message))
        outcome.take()?.unpark(.failure(Failure(error: error, isUnanswered: isUnanswered)))
    }

    /// Ends at once, and what is under way fails.
    func interrupt() { fail(.init(.connectionLost, "the connection was given up"), isUnanswered: false) }

    /// Ends at once.
    func abort() {
        guard isOpen else { return }
        isOpen = false
        if let tls { tls.close() } else { loop.close(handle) }
    }
}
