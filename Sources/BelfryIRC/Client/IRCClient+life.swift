// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import Logging

/// The client's own tasks: connecting, receiving, sending, and finding out that a server is gone.
extension IRCClient {
    /// A connection that stood this long was a good one: the next pause is the first again.
    private static let stable = Duration.seconds(60)

    /// Connects, and comes back, until the end.
    func live() async {
        var attempt = 0
        while !isOver {
            let start = ContinuousClock.now
            await connect()
            guard !isOver, counters.registrations > 0 else { break }
            if start.duration(to: .now) > Self.stable { attempt = 0 }
            var random = SystemRandomNumberGenerator()
            guard let pause = configuration.reconnect?.pause(before: attempt, using: &random) else { break }
            attempt += 1
            guard await loop.sleep(for: pause) else { break }
        }
        end()
    }

    private var isOver: Bool { isQuitting || Task.isCancelled }

    private func end() {
        hasEnded = true
        let lost = outbox.removeAll()
        counters.unsentLines += lost
        if lost > 0 { logger.warning("Lines were not sent before the end.", metadata: ["lines": "\(lost)"]) }
        let error = failure ?? IRCError(.closed, "the client has ended")
        if isOver {
            listeners.end(nil)
        } else {
            listeners.end(QueueError(.failed, message: error.message, cause: error))
        }
        for joiner in joiners { joiner.parker.unpark(.failure(error)) }
        standing.unpark()
        drained.unpark()
    }

    func waitUntilRegistered() async throws(IRCError) {
        while !machine.isRegistered, !hasEnded, counters.registrations == 0 {
            if case .cancelled = await standing.park() { throw IRCError(.cancelled, "cancelled while connecting") }
        }
        if counters.registrations == 0 { throw failure ?? IRCError(.closed, "the client has ended") }
    }

    // MARK: A connection

    private func connect() async {
        failure = nil
        var bounds = TCPConnection.Configuration()
        bounds.connectTimeout = configuration.connectTimeout
        bounds.flushTimeout = configuration.quitTimeout
        do {
            try await TCPConnection.withConnection(to: endpoint, on: loop, configuration: bounds) { connection in
                try await serve(connection)
            }
        } catch {
            let why = (error as? IOError)?.message ?? "\(error)"
            failure = failure ?? IRCError(.connectFailed, "\(endpoint): \(why)", cause: error)
        }
        let wasRegistered = machine.isRegistered
        machine.disconnected()
        outbox.disconnected()
        drained.unpark()
        let error = failure ?? IRCError(.connectFailed, "\(endpoint): the server ended the connection")
        failure = error
        guard !isOver else { return }
        logger.notice("The connection to the IRC server is gone.", metadata: ["reason": "\(error)"])
        if wasRegistered { listeners.tell(.disconnected(reason: error.message)) }
    }

    private func serve(_ connection: TCPConnection) async throws {
        isLinked = true
        welcome = Parker()
        defer { isLinked = false }
        perform(machine.connected())
        let sender = Task(executorPreference: loop) { await self.sendAll(on: connection) }
        let watch = Task(executorPreference: loop) { await self.watch(connection) }
        defer {
            sender.cancel()
            watch.cancel()
        }
        var decoder = IRCDecoder(maxLineBytes: configuration.maxLineBytes)
        do {
            for try await chunk in connection.inbound {
                decoder.decode(chunk.span) { received($0) }
                // Refused: what else the server says does not matter.
                if let failure { throw failure }
            }
        } catch {
            await stop(sender, watch)
            throw failure ?? error
        }
        await stop(sender, watch)
    }

    private func stop(_ tasks: Task<Void, Never>...) async {
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    private func received(_ part: IRCDecoder.Part) {
        guard case .message(let message) = part else {
            counters.malformedLines += 1
            return
        }
        counters.receivedMessages += 1
        let actions = machine.received(message)
        // Before whoever waits for it hears of it, so that what follows finds the message queued.
        if message.command != "PING", message.command != "PONG" { listeners.tell(.message(message)) }
        perform(actions)
    }

    func perform(_ actions: [IRCClientMachine.Action]) {
        for action in actions {
            switch action {
            case .send(let message): sendNow(message)
            case .registered:
                counters.registrations += 1
                listeners.tell(.registered(nickname: machine.nickname))
                standing.unpark()
                welcome.unpark()
                sending.unpark()
            case .join(let names):
                outbox.addJoins(names)
                sending.unpark()
            case .joined(let channel): answer(channel, .success(()))
            case .joinRefused(let channel, let reason):
                logger.notice("A channel was refused.", metadata: ["channel": "\(channel)", "reason": "\(reason)"])
                answer(channel, .failure(IRCError(.joinRefused, "\(channel): \(reason)")))
            case .refused(let reason): failure = IRCError(.refused, "\(endpoint): \(reason)")
            }
        }
    }

    private func answer(_ channel: String, _ result: Result<Void, IRCError>) {
        for joiner in joiners where machine.isSame(joiner.channel, channel) { joiner.parker.unpark(result) }
    }

    private func sendNow(_ message: IRCMessage) {
        guard let line = try? message.encoded(), outbox.addUrgent(line) else {
            counters.unsentLines += 1
            return
        }
        sending.unpark()
    }

    // MARK: Sending

    private func sendAll(on connection: TCPConnection) async {
        while !Task.isCancelled {
            switch outbox.next() {
            case .now(let line): guard await send(line, on: connection) else { return }
            case .paced where machine.isRegistered:
                if let wait = pace.take(at: .now) {
                    await rest(wait)
                } else if let line = outbox.takePaced({ try? machine.joinLine(&$0)?.encoded() }) {
                    guard await send(line, on: connection) else { return outbox.putBack(line) }
                    if outbox.count == 0 { drained.unpark() }
                }
            case .paced, .nothing: if case .cancelled = await sending.park() { return }
            }
        }
    }

    /// Waits for the pace, or for a line that needs not wait.
    private func rest(_ duration: Duration) async {
        let timer = loop.schedule(after: duration, waking: sending, with: ())
        _ = await sending.park()
        loop.cancel(timer)
    }

    private func send(_ line: [UInt8], on connection: TCPConnection) async -> Bool {
        do {
            try await connection.send(line)
            counters.sentLines += 1
            return true
        } catch {
            return false
        }
    }

    // MARK: A server that is gone

    private func watch(_ connection: TCPConnection) async {
        let timer = loop.schedule(after: configuration.registrationTimeout, waking: welcome, with: ())
        let answer = await welcome.park()
        loop.cancel(timer)
        if case .cancelled = answer { return }
        guard machine.isRegistered else { return await leave(connection) }
        var isAsked = false
        while true {
            let heard = counters.receivedMessages
            guard await loop.sleep(for: isAsked ? configuration.pingTimeout : configuration.pingInterval) else {
                return
            }
            let isSilent = counters.receivedMessages == heard
            if isSilent, isAsked { return await leave(connection) }
            isAsked = isSilent
            if isSilent { sendNow(IRCMessage("PING", ["belfry"])) }
        }
    }

    private func leave(_ connection: TCPConnection) async {
        failure = IRCError(.timedOut, "\(endpoint): the server does not answer")
        await connection.abort()
    }

    // MARK: Goodbye

    /// The end of the scope, also in a cancelled task.
    nonisolated func finish(_ life: Task<Void, Never>, isFlushing: Bool) async {
        let goodbye = Task(executorPreference: loop) { await self.sayGoodbye("", isFlushing: isFlushing) }
        await goodbye.value
        life.cancel()
        await life.value
    }

    func sayGoodbye(_ reason: String, isFlushing: Bool) async {
        guard !isQuitting else { return }
        isQuitting = true
        guard machine.isRegistered else { return }
        if isFlushing { await waitUntil(within: configuration.quitTimeout) { outbox.count == 0 } }
        sendNow(IRCMessage("QUIT", reason.isEmpty ? [] : [reason]))
        // The server ends the connection (RFC 2812, 3.1.7).
        await waitUntil(within: .seconds(1)) { !isLinked }
    }

    private func waitUntil(within limit: Duration, _ condition: () -> Bool) async {
        let deadline = ContinuousClock.now + limit
        while !condition(), ContinuousClock.now < deadline, machine.isRegistered {
            let timer = loop.schedule(after: limit, waking: drained, with: ())
            if case .cancelled = await drained.park() { break }
            loop.cancel(timer)
        }
    }
}
