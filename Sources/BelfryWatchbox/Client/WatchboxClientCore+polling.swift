// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import HTTPTypes

// Asks for the groups' messages (Watchbox protocol, §7): never two questions for one group at a time.
extension WatchboxClientCore {
    /// How many questions may be under way.
    static var pollerCount: Int { 4 }

    /// How long a question may be held that is asked beside the long one: the other groups may have to wait for it.
    private static var shortWait: Duration { .milliseconds(500) }

    /// How the server answers a question that it may hold.
    enum Manner {
        /// Not asked yet since the registration.
        case unknown
        /// At once, as an original: one group and one message each.
        case plain
        /// When there is something: all groups together.
        case holding
    }

    /// One of those who ask.
    final class Poller {
        let connection: HTTPClientConnection
        let wake = Parker<Void>()

        init(connection: HTTPClientConnection) { self.connection = connection }
    }

    /// One question.
    private struct Question {
        var groups: [String]
        /// How long the server may hold it.
        var wait = Duration.zero
        /// Whether it is the long one that all groups come together in.
        var isLong = false

        var body: [UInt8] {
            var body: [UInt8] = []
            for group in groups { WatchboxClientForm.appendGroup(group, to: &body) }
            return body
        }
    }

    func wakePollers() {
        for poller in pollers { poller.wake.unpark() }
    }

    func forgetManner() {
        manner = configuration.longPollWait > .zero ? .unknown : .plain
        for group in groups.values {
            group.isMember = false
            group.notBefore = 0
        }
    }

    /// Asks, one question after the other.
    func poll(_ index: Int) async {
        let poller = pollers[index]
        while !isClosed {
            if let question = nextQuestion() {
                await ask(question, through: poller.connection)
            } else {
                _ = await poller.wake.park()
            }
        }
    }

    // MARK: What to ask

    private func nextQuestion() -> Question? {
        guard isRegistered else { return nil }
        let now = loop.nowNanoseconds
        var earliest: Int64?
        var ready: [String] = []
        for name in turns where !asked.contains(name) {
            guard let group = groups[name], !group.isHeld else { continue }
            if group.notBefore > now {
                earliest = min(earliest ?? .max, group.notBefore)
            } else {
                ready.append(name)
            }
        }
        if let earliest { wakePollers(at: earliest, now: now) }
        // A group that was joined before may have messages, which an original would drop if it were joined again; so
        // the first question is short, and tells.
        let first = ready.first { groups[$0]?.isMember == false } ?? ready.first
        guard let first else { return nil }
        guard groups[first]?.isMember == true else { return take(Question(groups: [first])) }
        switch manner {
        case .plain: return take(Question(groups: [first]))
        case .unknown:
            guard !hasLongPoll else { return take(Question(groups: [first])) }
            return take(Question(groups: [first], wait: min(.seconds(2), configuration.longPollWait), isLong: true))
        case .holding:
            // Until the long question is answered; then this group joins the others there.
            guard !hasLongPoll else {
                return take(Question(groups: ready, wait: min(Self.shortWait, configuration.longPollWait)))
            }
            // All groups meet in it, so those that are asked for by themselves are waited for.
            guard asked.isEmpty else { return nil }
            return take(Question(groups: ready, wait: configuration.longPollWait, isLong: true))
        }
    }

    private func take(_ question: Question) -> Question {
        asked.formUnion(question.groups)
        turns.removeAll { question.groups.contains($0) }
        turns += question.groups
        if question.isLong { hasLongPoll = true }
        return question
    }

    private func wakePollers(at time: Int64, now: Int64) {
        if let pacing, pacing.at <= time, pacing.at > now { return }
        loop.cancel(pacing?.timer)
        let timer = loop.schedule(after: .nanoseconds(time - now)) { [weak self] in
            self?.pacing = nil
            self?.wakePollers()
        }
        pacing = (timer, time)
    }

    // MARK: Asking

    private func ask(_ question: Question, through connection: HTTPClientConnection) async {
        let current = era
        let start = loop.nowNanoseconds
        defer {
            asked.subtract(question.groups)
            if question.isLong { hasLongPoll = false }
            wakePollers()
        }
        var body = question.body
        if question.wait > .zero {
            WatchboxClientForm.append("wait", Int(clamping: question.wait.nanoseconds / 1_000_000), to: &body)
            WatchboxClientForm.append("batch", max(1, configuration.maxBatch), to: &body)
            if configuration.resumes { WatchboxClientForm.append("at", 1, to: &body) }
        }
        do throws(HTTPClientError) {
            let limit = configuration.requestTimeout + question.wait
            let response = try await connection.send(request("get", body), timeout: limit)
            lastAnswer = loop.nowNanoseconds
            do throws(Failure) {
                try check(response, to: "get")
            } catch {
                return lose(error, since: current)
            }
            await answered(question, response.body, after: loop.nowNanoseconds - start, through: connection, current)
        } catch {
            lose(Failure(error), since: current)
        }
    }

    private func answered(
        _ question: Question,
        _ body: [UInt8],
        after time: Int64,
        through connection: HTTPClientConnection,
        _ era: UInt64
    ) async {
        switch WatchboxClientAnswer(body) {
        case .message(let json):
            // Whatever has happened since, the server has it no more.
            deliver(json, to: question, era)
        case .code(let code):
            guard era == self.era else { return }
            switch code {
            case .nothing: nothing(for: question, after: time)
            case .noMember:
                for name in question.groups { groups[name]?.isMember = false }
                if let name = question.groups.first, question.groups.count == 1 {
                    await join(name, through: connection, era)
                }
            case .notRegistered: lose(Failure(.notRegistered, "the server has forgotten the client"), since: era)
            default: malformed(question, Failure(.badAnswer, "the server answered \(code.rawValue) to 'get'"))
            }
        case .malformed:
            malformed(question, Failure(.badAnswer, "\(body.count) bytes that are no JSON came as a message"))
        }
    }

    private func deliver(_ json: [UInt8], to question: Question, _ era: UInt64) {
        if question.wait > .zero, let batch = WatchboxClientAnswer.batch(json, of: question.groups) {
            if era == self.era { manner = .holding }
            for found in batch {
                if let offset = found.offset, offset < .max, let epoch = groups[found.group]?.next?.epoch {
                    groups[found.group]?.next = RoomPosition(epoch: epoch, offset: offset + 1)
                }
                deliver(found.json, to: found.group)
            }
            return
        }
        // A server that knows batches would have made one.
        if question.wait > .zero, era == self.era { manner = .plain }
        guard let name = question.groups.first else { return }
        if era == self.era { groups[name]?.isMember = true }
        deliver(json, to: name)
    }

    private func deliver(_ json: [UInt8], to name: String) {
        let core = LoopConfined(onLoop: self, loop)
        groups[name]?.deliver(.init(group: name, json: .init(.json, bytes: json))) { core.value.wakePollers() }
    }

    /// `wb00`: how soon it came tells whether the server holds questions.
    private func nothing(for question: Question, after time: Int64) {
        if question.wait > .zero {
            let isAtOnce = time < min(.seconds(1), question.wait / 2).nanoseconds
            manner = isAtOnce ? .plain : .holding
        }
        let pause = question.wait > .zero && manner == .holding ? 0 : configuration.pollInterval.nanoseconds
        for name in question.groups {
            groups[name]?.isMember = true
            groups[name]?.notBefore = loop.nowNanoseconds + pause
        }
    }

    /// Not a lost connection: the next message may be sound.
    private func malformed(_ question: Question, _ error: Failure) {
        for name in question.groups {
            complain(error, about: name)
            groups[name]?.notBefore = loop.nowNanoseconds + configuration.pollInterval.nanoseconds
        }
    }

    /// Notes where the client stands, as a server of ours says it, and tells of what is missing.
    private func noteStanding(of name: String, _ response: HTTPClientResponse) {
        guard let next = response.fields[.watchboxPosition].flatMap({ RoomPosition(token: $0) }) else { return }
        groups[name]?.next = next
        guard response.fields[.watchboxRecovered] == "false" else { return }
        tell(.gap(group: name, lost: response.fields[.watchboxLost].flatMap { Int($0) }))
    }

    /// Becomes a member.
    private func join(_ name: String, through connection: HTTPClientConnection, _ era: UInt64) async {
        guard groups[name] != nil else { return }
        var body: [UInt8] = []
        WatchboxClientForm.appendGroup(name, to: &body)
        if configuration.resumes { WatchboxClientForm.appendResume(groups[name]?.next, to: &body) }
        do throws(HTTPClientError) {
            let response = try await connection.send(request("join", body))
            lastAnswer = loop.nowNanoseconds
            guard era == self.era else { return }
            do throws(Failure) {
                switch try code(of: response, to: "join") {
                case .joined:
                    groups[name]?.isMember = true
                    noteStanding(of: name, response)
                case .notRegistered: lose(Failure(.notRegistered, "the server has forgotten the client"), since: era)
                case .refused: leave(name, Failure(.refused, "the server refuses the group '\(name.prefix(100))'"))
                case let code: throw Failure(.badAnswer, "the server answered \(code.rawValue) to 'join'")
                }
            } catch {
                guard error.code == .refused else { return lose(error, since: era) }
                leave(name, error)
            }
        } catch {
            lose(Failure(error), since: era)
        }
    }
}
