// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryJSON
import Logging

/// A client's relation to one server: connects, comes back, sends in order, and says what happens.
///
/// Loop-confined. One task runs it from `start` to its end; it holds no client.
final class PocketsocketClientLink {
    typealias Failure = PocketsocketClientError
    typealias Event = PocketsocketClient.Event

    private enum Phase {
        /// Not started, or over.
        case idle
        case connecting
        case open
        /// Between two attempts.
        case waiting
    }

    let address: PocketsocketClient.Address
    let loop: EventLoop
    let outbox: PocketsocketClientOutbox
    private let configuration: PocketsocketClient.Configuration
    private let inbox: PocketsocketClientInbox
    private let logger: Logger
    private weak var owner: PocketsocketClientLinks?

    private var phase = Phase.idle
    private var socket: WebSocket?
    private var task: Task<Void, Never>?
    private var isClosing = false
    private var hasGivenUp = false
    private var complaints = 0
    /// What the client has, of the server's order.
    private var resume = ResumeRequest()
    private var unconfirmed = PocketsocketUnconfirmed()

    init(
        _ address: PocketsocketClient.Address,
        _ configuration: PocketsocketClient.Configuration,
        loop: EventLoop,
        inbox: PocketsocketClientInbox,
        logger: Logger,
        owner: PocketsocketClientLinks
    ) {
        self.address = address
        self.loop = loop
        self.configuration = configuration
        self.inbox = inbox
        self.logger = logger
        self.owner = owner
        outbox = PocketsocketClientOutbox(
            maxMessages: configuration.maxQueuedMessages,
            maxBytes: configuration.maxQueuedBytes
        )
    }

    var isOpen: Bool { phase == .open && !isClosing }
    /// Whether it is open, or on its way.
    var isRunning: Bool { task != nil }

    // MARK: Life

    func start() {
        guard task == nil else { return }
        phase = .connecting
        isClosing = false
        hasGivenUp = false
        let link = LoopConfined(onLoop: self, loop)
        task = Task(executorPreference: loop) { await link.value.run() }
    }

    private func run() async {
        var attempt = 0
        while !isOver {
            phase = .connecting
            await tell("connecting", #"{"url":\#(quoted(address.url)),"attempt":\#(attempt)}"#)
            if await connect() { attempt = 0 }
            guard !isOver else { break }
            phase = .waiting
            var random = SystemRandomNumberGenerator()
            guard let pause = configuration.reconnect?.pause(before: attempt, using: &random) else {
                giveUp(after: attempt)
                break
            }
            attempt += 1
            let hasLoop = await loop.sleep(for: pause)
            guard !isOver else { break }
            guard hasLoop else {
                giveUp(after: attempt)
                break
            }
            let attempts = configuration.reconnect?.maxAttempts.map { "\($0)" } ?? "null"
            let delay = pause / .milliseconds(1)
            await tell("reconnect", #"{"attempt":\#(attempt),"attempts":\#(attempts),"delay":\#(delay)}"#)
        }
        phase = .idle
        task = nil
        if hasGivenUp { owner?.gaveUp(self) }
    }

    private var isOver: Bool { isClosing || Task.isCancelled }

    /// Connects, and serves the connection to its end; false when there was none.
    private func connect() async -> Bool {
        let socket: WebSocket
        do throws(WebSocketError) {
            socket = try await WebSocketClient.open(url, on: loop, configuration: webSocket)
        } catch {
            guard !isOver else { return false }
            await tell(Failure(.connectFailed, "\(address): \(error.message)", cause: error))
            await tell("close", closing(.abnormal, error.message))
            return false
        }
        if isOver {
            await socket.abort()
        } else {
            await serve(socket)
        }
        return true
    }

    private var url: WebSocketURL {
        var url = address.webSocketURL
        if configuration.resumes { url.target += (url.target.contains("?") ? "&" : "?") + resume.query }
        return url
    }

    private var webSocket: WebSocketClient.Configuration {
        var result = WebSocketClient.Configuration()
        result.connectTimeout = configuration.connectTimeout
        result.handshakeTimeout = configuration.connectTimeout
        result.maxMessageBytes = configuration.maxMessageBytes
        result.maxPendingBytes = configuration.maxQueuedBytes
        result.pingInterval = configuration.heartbeat
        result.pongTimeout = configuration.heartbeatTimeout
        result.closeTimeout = configuration.closeTimeout
        result.keepAlive = KeepAlive()
        return result
    }

    private func serve(_ socket: WebSocket) async {
        phase = .open
        self.socket = socket
        let link = LoopConfined(onLoop: self, loop)
        let sender = Task(executorPreference: loop) { await link.value.sendAll(on: socket) }
        owner?.opened()
        await tell("open", #"{"url":\#(quoted(address.url))}"#)
        var failure: WebSocketError?
        do throws(WebSocketError) {
            for try await message in socket.messages { await received(message) }
        } catch {
            failure = error
        }
        if Task.isCancelled { await socket.abort() }
        phase = .waiting
        self.socket = nil
        sender.cancel()
        await sender.value
        outbox.release()
        outbox.refuseWaiting(Failure(.queueFull, "the connection to \(address) ended, and too much waits"))
        abandonUnconfirmed()
        if let failure, !isOver {
            await tell(Failure(.connectionLost, "\(address): \(failure.message)", cause: failure))
        }
        let end = await socket.end
        await tell("close", closing(end?.code ?? failure?.closeCode ?? .abnormal, end?.reason ?? ""))
    }

    private func giveUp(after attempts: Int) {
        hasGivenUp = true
        let error = Failure(.gaveUp, "gave \(address) up after \(attempts) attempts to come back")
        abandon(outbox.removeAll(), error)
    }

    /// Says that it is over; what was queued on an open connection is sent before.
    func close() -> Task<Void, Never> {
        isClosing = true
        outbox.refuseWaiting(Failure(.closed, "the client was closed"))
        let link = LoopConfined(onLoop: self, loop)
        return Task(executorPreference: loop) { await link.value.finish() }
    }

    private func finish() async {
        if let socket {
            let outbox = outbox
            let timer = loop.schedule(
                after: configuration.closeTimeout,
                stopped: { outbox.release() },
                { outbox.release() }
            )
            await outbox.waitUntilEmpty()
            loop.cancel(timer)
            await socket.close()
        }
        let task = task
        task?.cancel()
        await task?.value
        let left = outbox.removeAll()
        if !left.isEmpty {
            abandon(left, Failure(.closed, "the client was closed before they were sent to \(address)"))
        }
    }

    /// Ends at once; nobody is left who could be told.
    func abort() {
        isClosing = true
        task?.cancel()
    }

    // MARK: Sending

    func offer(_ item: PocketsocketClientOutbox.Item) -> PocketsocketClientOutbox.Offer {
        guard isRunning, !isClosing else {
            let why = hasGivenUp ? "it was given up" : "the client is not connected"
            return .refused(Failure(.notConnected, "\(address): \(why)", messageIDs: item.id.map { [$0] } ?? []))
        }
        return outbox.offer(item, mayWait: phase == .open, to: address)
    }

    private func sendAll(on socket: WebSocket) async {
        while let item = await outbox.next() {
            // The receipt may be here before this task goes on.
            unconfirmed.add(item)?.receipt?.unpark(.failure(Failure(.unconfirmed, "no receipt came")))
            do throws(WebSocketError) {
                try await socket.send(item.text)
            } catch {
                if let id = item.id { _ = unconfirmed.remove(id, isConfirmed: false) }
                return
            }
            outbox.removeFirst()
        }
    }

    // MARK: Receiving

    private func received(_ message: WebSocketMessage) async {
        let event: Event
        switch message {
        case .text(let text): event = Event(received: .text(text), from: address)
        case .binary(let bytes): event = Event(received: .binary(bytes), from: address)
        }
        if configuration.resumes { note(event) }
        // Others can send what looks like a receipt: only ids that are waited for count.
        if let receipt = event.receipt, let item = unconfirmed.remove(receipt.messageID, isConfirmed: true) {
            item.receipt?.unpark(.success(receipt))
        }
        await inbox.deliver(event)
    }

    /// Notes where the message stands: from there on it is asked for when the link breaks.
    private func note(_ event: Event) {
        if let start = event.resumption {
            resume = start
        } else if let offset = event.offset, offset < .max, let epoch = resume.next?.epoch {
            resume.next = RoomPosition(epoch: epoch, offset: offset + 1)
        }
    }

    // MARK: Telling

    /// What was sent into a connection that ended before the receipt: it may have arrived or not.
    private func abandonUnconfirmed() {
        let isConfirming = unconfirmed.isConfirming
        let items = unconfirmed.removeAll().filter { isConfirming || $0.receipt != nil }
        guard !items.isEmpty else { return }
        abandon(items, Failure(.unconfirmed, "the connection to \(address) ended before the receipt"))
    }

    private func abandon(_ items: [PocketsocketClientOutbox.Item], _ error: Failure) {
        let error = Failure(error.code, error.message, messageIDs: items.compactMap(\.id), cause: error.cause)
        for item in items { item.receipt?.unpark(.failure(error)) }
        report(error)
    }

    /// Raises a local `error` without waiting; logs the first few, then every thousandth.
    func report(_ error: Failure) {
        inbox.offer(event(error))
        complaints += 1
        guard complaints <= 5 || complaints % 1_000 == 0 else { return }
        logger.warning("Messages or a server were given up.", metadata: ["reason": "\(error)"])
    }

    private func tell(_ error: Failure) async {
        logger.log(
            level: error.code == .connectFailed ? .debug : .info,
            "A connection failed.",
            metadata: ["reason": "\(error)"]
        )
        await inbox.deliver(event(error))
    }

    private func event(_ error: Failure) -> Event {
        let json = #"{"code":\#(quoted("\(error.code)")),"message":\#(quoted(error.message))}"#
        return Event(local: "error", json, of: address, error: error)
    }

    private func tell(_ name: String, _ json: String) async {
        await inbox.deliver(Event(local: name, json, of: address))
    }

    private func closing(_ code: WebSocketCloseCode, _ reason: String) -> String {
        #"{"code":\#(code),"reason":\#(quoted(reason))}"#
    }

    private func quoted(_ text: String) -> String {
        var json: [UInt8] = []
        JSONWriter.append(text, to: &json)
        return String(decoding: json, as: UTF8.self)
    }
}
