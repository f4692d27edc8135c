// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import HTTPTypes

/// A body that is going out piece by piece.
struct OutgoingBody {
    /// What is in memory, and how much of it has gone.
    var bytes: [UInt8] = []
    var sent = 0
    /// Of a stream: what is left of its announced length; nil when it goes in chunks or until the end.
    var left: Int?
    var isChunked = false
    /// The connection goes on behind it.
    var keepsAlive: Bool
    /// The stream's writer, while the client has to take something first.
    var waiter: Parker<Bool>?
}

extension HTTPConnection {
    /// Bodies up to this length are copied behind their heads; larger ones go out in pieces of this length.
    private static let pieceBytes = 64 * 1024

    // MARK: Answers

    /// Writes an answer; says how the decoder is to go on.
    func answer(_ request: Request, _ response: Response) -> HTTPRequestDecoder.Disposition {
        let keepsAlive = request.layout.keepsAlive && !response.closes && !isDraining
        let isHead = request.layout.methodLength == 4 && request.methodIs("HEAD")
        write(response, isHead: isHead, keepsAlive: keepsAlive, minorVersion: request.layout.minorVersion)
        guard phase != .sending else { return .hold }
        guard keepsAlive else {
            end(.local)
            return .stop
        }
        if scratch.output.count >= Self.pieceBytes { flush() }
        if connection.pendingBytes > shared.configuration.maxPendingBytes {
            phase = .sending
            since = connection.context.turnTime
            connection.wantsDrained = true
            return .hold
        }
        return .next
    }

    /// Appends head and body to the output; a large body, or one that is made while it is sent, begins to go out.
    func write(_ response: Response, isHead: Bool, keepsAlive: Bool, minorVersion: Int) {
        var keepsAlive = keepsAlive
        var framing: HTTPResponseEncoder.Framing
        switch response.body.content {
        case .none: framing = .length(0)
        case .bytes(let bytes): framing = .length(bytes.count)
        case .stream(let length?, _): framing = .length(max(0, length))
        case .stream(nil, _):
            framing = minorVersion == 1 ? .chunked : .untilClose
            if minorVersion == 0, !isHead { keepsAlive = false }
        }
        let isBodiless = response.status == .noContent || response.status == .notModified
        if isBodiless { framing = .none }
        HTTPResponseEncoder.appendHead(
            status: response.status,
            fields: response.fields,
            framing: framing,
            persistence: !keepsAlive ? .close : minorVersion == 1 ? .keepAlive : .keepAliveSaid,
            date: scratch.date(now: connection.context.turnTime),
            to: &scratch.output
        )
        guard !isHead, !isBodiless else { return }
        switch response.body.content {
        case .none: break
        case .bytes(let bytes) where bytes.count <= Self.pieceBytes: scratch.output.append(contentsOf: bytes)
        case .bytes(let bytes):
            beginSending(OutgoingBody(bytes: bytes, keepsAlive: keepsAlive))
            pumpPieces()
        case .stream(let length, let write):
            let left = length.map { max(0, $0) }
            beginSending(OutgoingBody(left: left, isChunked: framing == .chunked, keepsAlive: keepsAlive))
            startStream(write)
        }
    }

    private func beginSending(_ body: OutgoingBody) {
        outgoing = body
        phase = .sending
        since = connection.context.turnTime
        flush()
    }

    // MARK: Bodies

    /// The client has taken what there was.
    func pumpBody() {
        if let waiter = outgoing?.waiter {
            outgoing?.waiter = nil
            waiter.unpark(true)
            return
        }
        // A stream's writer is at work.
        guard let body = outgoing, !body.bytes.isEmpty else { return }
        guard body.sent == body.bytes.count else { return pumpPieces() }
        finishSending()
    }

    /// Sends pieces of a body in memory until enough wait; the rest, or the end, follows when they have been taken.
    private func pumpPieces() {
        guard var body = outgoing else { return }
        while body.sent < body.bytes.count, connection.pendingBytes < shared.configuration.maxPendingBytes {
            let end = min(body.bytes.count, body.sent + Self.pieceBytes)
            connection.send(body.bytes.span.extracting(body.sent..<end))
            body.sent = end
        }
        outgoing = body
        connection.wantsDrained = true
    }

    /// The body has gone: the next request, or the end.
    private func finishSending() {
        guard let body = outgoing else { return }
        outgoing = nil
        task = nil
        if body.keepsAlive { goOn() } else { end(.local) }
    }

    // MARK: Tasks

    func start(_ handler: @escaping Router.Handler, _ request: Request) {
        phase = .handling
        since = connection.context.turnTime
        number += 1
        let number = self.number
        let loop = connection.context.loop
        let box = LoopConfined(onLoop: WeakHTTPConnection(self), loop)
        task = Task(executorPreference: loop) {
            let result: Result<Response, any Error>
            do { result = .success(try await handler(request)) } catch { result = .failure(error) }
            loop.execute { box.value.connection?.handled(request, result, number) }
        }
    }

    private func handled(_ request: Request, _ result: Result<Response, any Error>, _ number: Int) {
        guard number == self.number, phase == .handling else { return }
        task = nil
        phase = .idle
        let response: Response
        switch result {
        case .success(let made): response = made
        case .failure(let error): response = self.response(to: error)
        }
        switch answer(request, response) {
        case .next: goOn()
        default: settle()
        }
    }

    /// Leaves the answer to who holds the request.
    func hold(_ held: any HeldRequest, _ request: Request) -> HTTPRequestDecoder.Disposition {
        phase = .handling
        since = connection.context.turnTime
        number += 1
        let number = self.number
        self.held = held
        var isBeginning = true
        var first: Response?
        held.begin { [weak self] response in
            // The decoder is at work: it goes on by what this returns.
            if isBeginning { first = response } else { self?.heldAnswered(request, response, number) }
        }
        isBeginning = false
        guard let first else { return .hold }
        self.held = nil
        phase = .idle
        return answer(request, first)
    }

    private func heldAnswered(_ request: Request, _ response: Response, _ number: Int) {
        guard number == self.number, phase == .handling, held != nil else { return }
        held = nil
        phase = .idle
        switch answer(request, response) {
        case .next: goOn()
        default: settle()
        }
    }

    private func startStream(_ write: @escaping @Sendable (ResponseWriter) async throws -> Void) {
        number += 1
        let number = self.number
        let loop = connection.context.loop
        let box = LoopConfined(onLoop: WeakHTTPConnection(self), loop)
        let writer = ResponseWriter { bytes in
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + Self.pieceBytes)
                let piece = start == 0 && end == bytes.count ? bytes : Array(bytes[start..<end])
                let waiter = Parker<Bool>()
                loop.execute {
                    guard let connection = box.value.connection else { return _ = waiter.unpark(false) }
                    connection.send(piece, number, waiter)
                }
                guard case .value(true) = await waiter.park() else { throw CancellationError() }
                start = end
            }
        }
        task = Task(executorPreference: loop) {
            var isComplete = true
            do { try await write(writer) } catch { isComplete = false }
            loop.execute { [isComplete] in box.value.connection?.streamed(isComplete, number) }
        }
    }

    /// A piece of a stream; `waiter` hears when the next one may come.
    private func send(_ piece: [UInt8], _ number: Int, _ waiter: Parker<Bool>) {
        guard number == self.number, var body = outgoing, phase == .sending,
            body.left.map({ $0 >= piece.count }) ?? true
        else {
            waiter.unpark(false)
            return
        }
        if let left = body.left { body.left = left - piece.count }
        if body.isChunked {
            HTTPResponseEncoder.appendChunk(piece, to: &scratch.output)
        } else {
            scratch.output.append(contentsOf: piece)
        }
        flush()
        if connection.pendingBytes >= shared.configuration.maxPendingBytes {
            body.waiter = waiter
            since = connection.context.turnTime
            connection.wantsDrained = true
        }
        outgoing = body
        if body.waiter == nil { waiter.unpark(true) }
    }

    private func streamed(_ isComplete: Bool, _ number: Int) {
        guard number == self.number, let body = outgoing, phase == .sending else { return }
        task = nil
        guard isComplete, (body.left ?? 0) == 0 else {
            // Too little has come: only a break tells the client.
            phase = .ended
            return connection.fail(.failed("a response's body was not completed"))
        }
        if body.isChunked {
            scratch.output.append(contentsOf: HTTPResponseEncoder.lastChunk)
            flush()
        }
        finishSending()
    }
}

/// A connection that may be gone by the time an answer comes.
private final class WeakHTTPConnection {
    weak var connection: HTTPConnection?

    init(_ connection: HTTPConnection) { self.connection = connection }
}
