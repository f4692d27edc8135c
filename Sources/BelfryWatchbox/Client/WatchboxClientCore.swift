// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import HTTPTypes
import Logging

/// The loop's side of a client: registers, keeps the registration, sends, and says what happens (Watchbox protocol,
/// §7).
///
/// Loop-confined. Its tasks hold it, and no client; they end with `abort`.
final class WatchboxClientCore {
    typealias Failure = WatchboxClientError
    typealias Event = WatchboxClient.Event

    private enum Phase {
        case idle
        /// Not registered, but on the way.
        case registering
        case registered
        case closed
    }

    let loop: EventLoop
    let configuration: WatchboxClient.Configuration
    let logger: Logger
    private let commands: HTTPClientConnection
    private let outbox: WatchboxClientOutbox
    private var cookie = WatchboxClientCookie()
    private var phase = Phase.idle
    private var hasRegistered = false
    private var registeredAt: Int64 = 0
    private var lastFailure: Failure?
    /// When the server last heard of the client, as far as is known.
    var lastAnswer: Int64 = 0
    /// Counts registrations and their losses: what was asked before one is out of date.
    private(set) var era: UInt64 = 0
    private let lost = Parker<Void>()
    private var waiting: [Parker<Void>] = []
    private var tasks: [Task<Void, Never>] = []
    private var listeners: [(number: UInt64, queue: Queue<Event>)] = []
    private var complaints = 0

    // Polling.
    var groups: [String: WatchboxClientGroup] = [:]
    /// The groups' names, the one that was asked for longest ago first.
    var turns: [String] = []
    /// Groups of questions under way.
    var asked: Set<String> = []
    var manner = Manner.unknown
    var hasLongPoll = false
    let pollers: [Poller]
    var pacing: (timer: TimerID?, at: Int64)?

    init(_ url: HTTPURL, _ configuration: WatchboxClient.Configuration, on loop: EventLoop, logger: Logger) {
        self.loop = loop
        self.configuration = configuration
        self.logger = logger
        var settings = HTTPClientConnection.Configuration()
        settings.connectTimeout = configuration.connectTimeout
        settings.requestTimeout = configuration.requestTimeout
        settings.limits.maxBodyBytes = max(1_024, configuration.maxAnswerBytes)
        commands = HTTPClientConnection(url, on: loop, configuration: settings)
        pollers = (0..<Self.pollerCount).map { _ in
            Poller(connection: HTTPClientConnection(url, on: loop, configuration: settings))
        }
        outbox = WatchboxClientOutbox(
            maxMessages: configuration.maxQueuedMessages,
            maxBytes: configuration.maxQueuedBytes
        )
    }

    var isRegistered: Bool { phase == .registered }
    var isClosed: Bool { phase == .closed }
    var waitingMessages: Int { outbox.count }

    // MARK: Life

    private func start() {
        guard phase == .idle else { return }
        phase = .registering
        let core = LoopConfined(onLoop: self, loop)
        tasks.append(Task(executorPreference: loop) { await core.value.run() })
        tasks.append(Task(executorPreference: loop) { await core.value.sendAll() })
        tasks.append(Task(executorPreference: loop) { await core.value.keepAlive() })
        for index in pollers.indices {
            tasks.append(Task(executorPreference: loop) { await core.value.poll(index) })
        }
    }

    /// Registers, and again whenever the registration is lost.
    private func run() async {
        while !isClosed {
            do throws(Failure) {
                _ = try await register()
                guard !isClosed else { return }
                registered()
                while isRegistered, !Task.isCancelled { _ = await lost.park() }
            } catch {
                guard !isClosed else { return }
                if lastFailure?.code != error.code {
                    logger.info("Watchbox: not registered.", metadata: ["reason": "\(error)"])
                }
                lastFailure = error
            }
            guard !isClosed else { return }
            // Also after a loss: a server that registers and forgets must not be asked without a pause.
            let pause = configuration.retryInterval - .nanoseconds(loop.nowNanoseconds - registeredAt)
            let isFailing = lastFailure != nil
            if isFailing || pause > .zero { await sleep(isFailing ? configuration.retryInterval : pause) }
        }
    }

    private func registered() {
        registeredAt = loop.nowNanoseconds
        era &+= 1
        phase = .registered
        lastFailure = nil
        forgetManner()
        tell(hasRegistered ? .reconnected : .registered)
        hasRegistered = true
        let released = waiting
        waiting = []
        for parker in released { parker.unpark() }
        wakePollers()
    }

    /// The registration is lost, or the server away.
    ///
    /// - Parameter era: When what came to this was asked; ignored when there was another registration since.
    func lose(_ error: Failure, since era: UInt64) {
        guard isRegistered, era == self.era else { return }
        phase = .registering
        self.era &+= 1
        for poller in pollers { poller.connection.reset() }
        logger.info("Watchbox: the registration is lost.", metadata: ["reason": "\(error)"])
        tell(.disconnected(error))
        lost.unpark()
    }

    /// Sleeps; ends the client when its loop has stopped meanwhile.
    private func sleep(_ pause: Duration) async {
        // Not by the loop's timers: a loop that stops forgets them, and who waits.
        try? await Task.sleep(for: pause)
        if loop.schedule(after: .zero, {}) == nil { abort() }
    }

    func connect(_ timeout: Duration) async throws(Failure) {
        start()
        let parker = Parker<Void>()
        let deadline = loop.nowNanoseconds.addingReportingOverflow(timeout.nanoseconds).partialValue
        let timer = loop.schedule(after: timeout) { parker.unpark() }
        defer { loop.cancel(timer) }
        while !isRegistered {
            guard !isClosed else { throw Failure(.closed, "the client was closed") }
            guard loop.nowNanoseconds < deadline, timer != nil else {
                let why = lastFailure.map { "; \($0)" } ?? ""
                throw Failure(.timedOut, "not registered within \(timeout)\(why)")
            }
            waiting.append(parker)
            let result = await parker.park()
            waiting.removeAll { $0 === parker }
            if case .cancelled = result { throw Failure(.cancelled, "cancelled while connecting") }
        }
    }

    func close() async {
        abort()
        let all = tasks
        // In a task of its own, since the caller's may be cancelled and ending takes its time all the same.
        await Task(executorPreference: loop) { for task in all { await task.value } }.value
    }

    /// Ends at once.
    func abort() {
        guard !isClosed else { return }
        phase = .closed
        for task in tasks { task.cancel() }
        commands.close()
        for poller in pollers { poller.connection.close() }
        loop.cancel(pacing?.timer)
        outbox.finish(Failure(.closed, "the client was closed"))
        for group in groups.values { group.end(nil) }
        groups = [:]
        turns = []
        for listener in listeners { listener.queue.close() }
        listeners = []
        let released = waiting
        waiting = []
        for parker in released { parker.unpark() }
    }

    // MARK: Registration

    /// Asks once; whether the server has made a new client.
    private func register() async throws(Failure) -> Bool {
        let response: HTTPClientResponse
        do throws(HTTPClientError) {
            response = try await commands.send(request("register"))
        } catch {
            throw Failure(error)
        }
        let code = try self.code(of: response, to: "register")
        guard code == .registered else {
            throw Failure(.badAnswer, "the server answered \(code.rawValue) to 'register'")
        }
        let isNew = cookie.take(from: response)
        guard cookie.field != nil else { throw Failure(.badAnswer, "the server registered, but set no cookie") }
        lastAnswer = loop.nowNanoseconds
        return isNew
    }

    /// Reports to the server while nothing else does.
    private func keepAlive() async {
        let limit = max(configuration.serverTimeout, .milliseconds(30))
        while !isClosed {
            await sleep(limit / 3)
            guard isRegistered, asked.isEmpty, loop.nowNanoseconds - lastAnswer >= (limit / 6).nanoseconds else {
                continue
            }
            let current = era
            do throws(Failure) {
                guard try await register(), isRegistered, era == current else { continue }
                lose(Failure(.notRegistered, "the server has forgotten the client"), since: current)
            } catch {
                lose(error, since: current)
            }
        }
    }

    // MARK: Requests

    /// A request with the client's cookie.
    func request(_ type: String, _ body: [UInt8] = []) -> HTTPClientRequest {
        var fields = HTTPFields()
        if let cookie = cookie.field { fields[.cookie] = cookie }
        // With no fields there is no type, as in the browser client.
        if !body.isEmpty { fields[.contentType] = "application/x-www-form-urlencoded; charset=UTF-8" }
        // A second question or registration does no harm, a second message does.
        let isRepeatable = type != "brdcst" && type != "server"
        return HTTPClientRequest(
            .post,
            "/watchbox.\(type).wb",
            fields: fields,
            body: body,
            isRepeatable: isRepeatable
        )
    }

    /// The code that a server answered.
    ///
    /// - Throws: ``WatchboxClientError`` `.refused` for a status of 400 to 499, `.badAnswer` for what is no code.
    func code(of response: HTTPClientResponse, to type: String) throws(Failure) -> WatchboxCode {
        try check(response, to: type)
        guard case .code(let code) = WatchboxClientAnswer(response.body) else {
            throw Failure(.badAnswer, "the answer to '\(type)' is no code")
        }
        return code
    }

    func check(_ response: HTTPClientResponse, to type: String) throws(Failure) {
        guard !(400..<500).contains(response.status) else {
            throw Failure(.refused, "the server answered '\(type)' with the status \(response.status)")
        }
        guard (200..<300).contains(response.status) else {
            throw Failure(.badAnswer, "the server answered '\(type)' with the status \(response.status)")
        }
    }

    // MARK: Sending

    /// Sends a message as soon as the client is registered; the server's code.
    func send(_ type: String, _ body: [UInt8]) async throws(Failure) -> WatchboxCode {
        start()
        return try await outbox.send(.init(type, body))
    }

    private func sendAll() async {
        while let item = await outbox.next() {
            while !isRegistered {
                guard !isClosed, !Task.isCancelled else { return }
                let parker = Parker<Void>()
                waiting.append(parker)
                _ = await parker.park()
            }
            guard outbox.holds(item) else { continue }
            let current = era
            do throws(HTTPClientError) {
                let response = try await commands.send(request(item.type, item.body))
                lastAnswer = loop.nowNanoseconds
                let result = Result { () throws(Failure) in try code(of: response, to: item.type) }
                if case .success(.notRegistered) = result {
                    // It was not taken, so it waits for the next registration.
                    lose(Failure(.notRegistered, "the server has forgotten the client"), since: current)
                } else {
                    outbox.finish(item, result)
                }
            } catch {
                switch error.code {
                case .connectFailed: lose(Failure(error), since: current)
                case .cancelled, .closed: return
                default:
                    let why = "it may have arrived or not: \(error.message)"
                    outbox.finish(item, .failure(Failure(.unconfirmed, why)))
                }
            }
        }
    }

    // MARK: Telling

    func listen(_ queue: Queue<Event>, number: UInt64) {
        guard !isClosed else { return queue.close() }
        listeners.append((number, queue))
    }

    func stopListening(_ number: UInt64) { listeners.removeAll { $0.number == number } }

    func tell(_ event: Event) {
        for listener in listeners { listener.queue.send(event) }
    }

    /// Tells of a message that is lost; logs the first few, then every thousandth.
    func complain(_ error: Failure, about group: String) {
        tell(.messageLost(group: group, error))
        complaints += 1
        guard complaints <= 5 || complaints % 1_000 == 0 else { return }
        logger.warning("Watchbox: an answer is no message.", metadata: ["reason": "\(error)"])
    }

    /// Has a group asked for.
    func join(
        _ name: String,
        _ queue: Queue<WatchboxClient.Message>,
        number: UInt64,
        isLossless: Bool
    ) {
        guard !isClosed else { return queue.close() }
        start()
        if groups[name] == nil { turns.append(name) }
        let group = groups[name] ?? WatchboxClientGroup(name, on: loop)
        groups[name] = group
        group.add(queue, number: number, isLossless: isLossless)
        wakePollers()
    }

    /// A reader is gone.
    func drop(_ number: UInt64, of name: String) {
        guard let group = groups[name] else { return }
        group.remove(number)
        if group.isEmpty { leave(name) }
    }

    func leave(_ name: String, _ error: Failure? = nil) {
        groups.removeValue(forKey: name)?.end(error)
        turns.removeAll { $0 == name }
    }
}

extension WatchboxClientError {
    /// What a request's failure means to the client.
    init(_ error: HTTPClientError) {
        switch error.code {
        case .connectFailed, .untrusted: self.init(.connectFailed, error.message)
        case .badResponse, .badRequest, .invalidURL: self.init(.badAnswer, error.message)
        case .cancelled: self.init(.cancelled, error.message)
        case .closed: self.init(.closed, error.message)
        case .connectionLost, .timedOut: self.init(.connectionLost, error.message)
        }
    }
}
