// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import HTTPTypes
import Logging

/// The server's side of one HTTP connection: decoder and router between the broker's connection and the handlers.
///
/// Loop-confined. One request at a time is answered: while a handler runs or a body is on its way out, the decoder is
/// held, and a client that goes on sending is not read from.
final class HTTPConnection: ConnectionHandler {
    /// What is under way.
    enum Phase {
        /// Between requests, or within a head.
        case idle
        /// A request's body is coming in.
        case body
        /// A handler's task runs.
        case handling
        /// A response's body is going out, or as many answers as may wait are waiting.
        case sending
        /// Nothing more is read or answered here.
        case ended
    }

    /// The request that is being answered.
    struct Exchange {
        var request: Request
        /// Nil once the answer is decided: the body is read and dropped.
        var action: Router.Action?
        var refusal: Response?
    }

    let connection: Connection
    let shared: HTTPShared
    let scratch: HTTPScratch
    private var decoder: HTTPRequestDecoder
    var phase = Phase.idle
    var exchange: Exchange?
    /// When the phase began, or last went on.
    var since: Int64 = 0
    /// What the client had been given at the last look.
    private var given = 0
    /// What takes the connection over.
    private var successor: (any ConnectionHandler)?
    var isDraining = false
    private var isPaused = false
    private var uncounted = 0
    /// Tells answers that come too late from those that are waited for.
    var number = 0
    var task: Task<Void, Never>?
    /// The request that its responder holds, while the phase is `.handling`.
    var held: (any HeldRequest)?
    var outgoing: OutgoingBody?
    /// Bytes that a held decoder may have read ahead before the client is not read from.
    private static let maxReadAhead = 16 * 1024

    init(_ connection: Connection, shared: HTTPShared, scratch: HTTPScratch) {
        self.connection = connection
        self.shared = shared
        self.scratch = scratch
        decoder = HTTPRequestDecoder(limits: shared.limits)
    }

    // MARK: From the broker

    func opened() { since = connection.context.turnTime }

    func received(_ bytes: Span<UInt8>) {
        guard phase != .ended else { return }
        if phase == .idle, decoder.isBetweenRequests { since = connection.lastReceived }
        decoder.decode(bytes) { self.take($0, $1) }
        settle()
    }

    /// With nothing under way: as long as there is, the end is deferred, and what the client asked for is answered.
    ///
    /// But a request that is held waits for something that may never be: it is answered now.
    func peerEnded() { held?.release() }

    func drain() {
        isDraining = true
        shared.readiness.end()
        held?.release()
        if phase == .idle, decoder.isBetweenRequests { end(.local) }
    }

    func tick(now: Int64) {
        count()
        let waited = now - since
        let settings = shared.configuration
        switch phase {
        case .ended: break
        case .handling where held != nil: break
        case .idle where decoder.isBetweenRequests:
            if waited >= settings.keepAliveTimeout.nanoseconds { end(.timedOut("no request")) }
        case .idle:
            if waited >= settings.headerTimeout.nanoseconds { giveUp("request head", .requestTimeout) }
        case .body:
            if waited >= settings.bodyTimeout.nanoseconds { giveUp("request body", .requestTimeout) }
        case .handling:
            if waited >= settings.handlerTimeout.nanoseconds { giveUp("handler", .serviceUnavailable) }
        case .sending:
            // A stream's writer may take its time; a client may not.
            if connection.givenBytes != given {
                given = connection.givenBytes
                since = now
                return
            }
            guard connection.wantsDrained, waited >= settings.writeTimeout.nanoseconds else { return }
            shared.counters.addTimeout()
            phase = .ended
            connection.fail(.timedOut("response"))
        }
    }

    func closed(_ reason: CloseReason) {
        count()
        phase = .ended
        cancelTask()
        let held = self.held.take()
        held?.release()
        outgoing = nil
        exchange = nil
    }

    func send(event: String, _ payload: Payload) -> Bool { false }

    func drained() {
        since = connection.context.turnTime
        guard phase == .sending else { return }
        if outgoing != nil { pumpBody() } else { goOn() }
    }

    // MARK: Inbound

    private func take(_ part: HTTPRequestDecoder.Part, _ bytes: Span<UInt8>) -> HTTPRequestDecoder.Disposition {
        switch part {
        case .head(let layout): return begin(layout, bytes)
        case .body:
            guard exchange?.refusal == nil else { return .next }
            exchange?.request.body.append(copying: bytes)
            return .next
        case .end:
            guard let exchange else { return .next }
            self.exchange = nil
            phase = .idle
            if let refusal = exchange.refusal { return answer(exchange.request, refusal) }
            guard let action = exchange.action else { return .next }
            return perform(action, exchange.request)
        case .rest:
            successor?.received(bytes)
            successor = nil
            return .stop
        case .fault(let fault):
            refuse(fault)
            return .stop
        }
    }

    private func begin(_ layout: HTTPHeadLayout, _ head: Span<UInt8>) -> HTTPRequestDecoder.Disposition {
        uncounted += 1
        var request = Request(head: [UInt8](copying: head), layout: layout, peer: connection.peer)
        let method = head.extracting(0..<layout.methodLength)
        var refusal: Response?
        var action: Router.Action?
        switch shared.router.match(head.extracting(layout.path)) {
        case .malformed: return refuse(request, HTTPError(.badRequest, "malformed path").response)
        case .notFound: refusal = layout.isAsterisk(head) ? Response(status: .noContent) : HTTPError(.notFound).response
        case .found(let index, let parameters):
            request.parameters = parameters
            let endpoint = shared.router.endpoints[index]
            if let upgrade = endpoint.upgrade, !layout.hasBody, method.isExactly("GET"),
                let result = self.upgrade(request, upgrade)
            {
                return result
            }
            action = endpoint.action(method)
            if action == nil { refusal = Self.refusal(method, endpoint) }
        }
        guard layout.hasBody else {
            if let refusal { return answer(request, refusal) }
            return action.map { perform($0, request) } ?? .next
        }
        if layout.expectsContinue {
            // The client has not sent the body yet, and may never: nothing behind this head can be trusted.
            if let refusal { return refuse(request, refusal) }
            scratch.output.append(contentsOf: "HTTP/1.1 100 Continue\r\n\r\n".utf8)
        }
        exchange = Exchange(request: request, action: action, refusal: refusal)
        phase = .body
        since = connection.context.turnTime
        return .next
    }

    /// The path is known, the method is not.
    private static func refusal(_ method: Span<UInt8>, _ endpoint: Router.Endpoint) -> Response {
        if let upgrade = endpoint.upgrade, method.isExactly("GET") {
            var response = HTTPError(.upgradeRequired).response
            response.fields[.upgrade] = upgrade.protocolName
            return response
        }
        guard !method.isExactly("OPTIONS") else {
            return Response(status: .noContent, fields: [.allow: endpoint.allowed])
        }
        var response = HTTPError(.methodNotAllowed).response
        response.fields[.allow] = endpoint.allowed
        return response
    }

    /// Asks about an upgrade; nil when the request is none to this protocol.
    private func upgrade(_ request: Request, _ upgrade: any HTTPUpgrade) -> HTTPRequestDecoder.Disposition? {
        guard request.layout.asksUpgrade, request.offers(upgrade.protocolName) else { return nil }
        switch upgrade.upgrade(request, on: connection) {
        case .refuse(let response): return answer(request, response)
        case .accept(let fields, let handler):
            HTTPResponseEncoder.appendUpgrade(
                to: upgrade.protocolName,
                fields: fields,
                date: scratch.date(now: connection.context.turnTime),
                into: &scratch.output
            )
            flush()
            count()
            phase = .ended
            successor = handler
            connection.handler = handler
            handler.opened()
            if isDraining { handler.drain() }
            return .release
        }
    }

    private func perform(_ action: Router.Action, _ request: Request) -> HTTPRequestDecoder.Disposition {
        switch action {
        case .onLoop(let handler):
            do {
                return answer(request, try handler(request))
            } catch {
                return answer(request, response(to: error))
            }
        case .respond(let responder):
            do {
                switch try responder(request, connection) {
                case .now(let response): return answer(request, response)
                case .later(let held): return hold(held, request)
                }
            } catch {
                return answer(request, response(to: error))
            }
        case .task(let handler):
            start(handler, request)
            return .hold
        }
    }

    // MARK: Turn

    /// Goes on with what the client sent meanwhile.
    func goOn() {
        phase = .idle
        since = connection.context.turnTime
        decoder.resume { self.take($0, $1) }
        settle()
    }

    /// At the end of every entry: what was written leaves, and the client is read from or not.
    func settle() {
        flush()
        connection.setEndDeferred(phase == .handling && held == nil || phase == .sending)
        guard phase != .ended else { return }
        if isDraining, phase == .idle, decoder.isBetweenRequests { return end(.local) }
        let pauses = decoder.isHeld && decoder.bufferedBytes > Self.maxReadAhead
        if pauses != isPaused {
            isPaused = pauses
            connection.setReceiving(!pauses)
        }
    }

    /// Hands all answers so far to the broker's connection: one send for however many there are.
    func flush() {
        guard !scratch.output.isEmpty else { return }
        var bytes: [UInt8] = []
        swap(&bytes, &scratch.output)
        connection.send(bytes.span)
        bytes.removeAll(keepingCapacity: bytes.capacity <= 512 * 1024)
        scratch.output = bytes
    }

    /// Closes behind what was written.
    func end(_ reason: CloseReason) {
        phase = .ended
        flush()
        connection.close(reason)
        connection.setEndDeferred(false)
    }

    private func count() {
        shared.counters.add(requests: uncounted)
        uncounted = 0
    }

    private func cancelTask() {
        number += 1
        task?.cancel()
        task = nil
        outgoing?.waiter?.unpark(false)
        outgoing?.waiter = nil
    }

    // MARK: Refusing

    /// The stream is no good: answers by the fault's status and closes.
    private func refuse(_ fault: HTTPFault) {
        shared.counters.addMalformed()
        shared.logger.debug(
            "A malformed request.",
            metadata: ["session": "\(connection.id)", "fault": "\(fault.rawValue)"]
        )
        guard phase == .idle || phase == .body else {
            // Too much came behind a request that is not answered yet: it would take this for its answer.
            phase = .ended
            return connection.fail(.protocolError(fault.rawValue))
        }
        var response = Response.text(fault.rawValue + "\n", status: .init(code: fault.status))
        response.closes = true
        write(response, isHead: false, keepsAlive: false, minorVersion: 1)
        end(.protocolError(fault.rawValue))
    }

    /// Answers, and closes because the rest of the stream can't be read.
    private func refuse(_ request: Request, _ response: Response) -> HTTPRequestDecoder.Disposition {
        var response = response
        response.closes = true
        return answer(request, response)
    }

    /// Something took too long.
    private func giveUp(_ what: String, _ status: HTTPResponse.Status) {
        shared.counters.addTimeout()
        cancelTask()
        write(HTTPError(status).response, isHead: false, keepsAlive: false, minorVersion: 1)
        end(.timedOut(what))
    }

    func response(to error: any Error) -> Response {
        if let error = error as? HTTPError { return error.response }
        shared.logger.error(
            "A handler failed.",
            metadata: ["session": "\(connection.id)", "error": "\(error)"]
        )
        return HTTPError(.internalServerError).response
    }
}
