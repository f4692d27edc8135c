// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// One side of Discord's gateway without I/O: what to send, what to report, and when to come back.
///
/// Follows the public documentation, "Using Gateway" and "Opcodes and Status Codes", API version 10. Times are
/// nanoseconds of any clock; `random` is from 0 to 1. Keeps nothing but the session's names, each at most 512 bytes.
struct GatewayMachine: ~Copyable {
    /// What to do, in order.
    enum Action: Equatable, Sendable {
        /// A text with the token may be among them.
        case send(String)
        case report(DiscordEvent)
        /// Close with this code; then ask `ended` as after every end.
        case disconnect(UInt16)
    }

    /// What comes after a connection's end.
    enum Next: Equatable, Sendable {
        case connect(String, after: Int64)
        case stop(DiscordError)
    }

    /// Pauses in nanoseconds.
    struct Timing {
        var pause: Int64 = 1_000_000_000
        var maxPause: Int64 = 120_000_000_000
    }

    /// Ours, by which a session lives on; 1000 and 1001 would end it.
    static let leave: UInt16 = 4000
    private static let second: Int64 = 1_000_000_000
    private static let helloTimeout = 20 * second
    /// Resuming is tried this often where the session was, then where sessions begin.
    private static let resumeAttempts = 3
    /// Of 120 payloads in 60 s, the ones that the gateway may ask for; the rest is for heartbeats, at most 100.
    private static let maxAsked = 15
    private static let minInterval = 600 * second / 1000
    private static let maxInterval = 600 * second

    private struct Session {
        var id: String
        var url: String?
    }

    private enum Phase {
        case away, connected, shaking, ready
    }

    private let token: String
    private let intents: Int
    private let gateway: String
    private let timing: Timing
    private var phase = Phase.away
    private var session: Session?
    private var sequence: Int?
    private var user: DiscordUser?
    private var hadSession = false
    private var failures = 0
    private var isInvalid = false
    private var budget: IdentifyBudget
    private var interval: Int64 = 0
    private var isAcknowledged = true
    private var asked: [Int64] = []
    /// When `tick` has to come; nil while there is no connection.
    private(set) var deadline: Int64?

    init(token: String, intents: Int, gateway: String, timing: Timing = Timing()) {
        self.token = token
        self.intents = intents
        self.gateway = gateway
        self.timing = timing
        budget = IdentifyBudget(spacing: timing.pause.multipliedReportingOverflow(by: 5).partialValue)
    }

    /// Where to connect to next.
    var url: String {
        let base = failures < Self.resumeAttempts ? session?.url ?? gateway : gateway
        return Self.withQuery(base)
    }

    private static func withQuery(_ url: String) -> String {
        if url.contains("?") { return url }
        let hasPath = url.split(separator: "/", omittingEmptySubsequences: false).count > 3
        return "\(url)\(hasPath ? "" : "/")?v=10&encoding=json"
    }

    // MARK: Connection

    /// The connection stands.
    mutating func opened(now: Int64) {
        phase = .connected
        isAcknowledged = true
        asked = []
        deadline = now + Self.helloTimeout
    }

    /// Takes a payload.
    mutating func receive(_ bytes: [UInt8], now: Int64, random: Double) -> [Action] {
        guard phase != .away else { return [] }
        guard let json = DiscordJSON(bytes), let operation = json.int("op") else { return [.disconnect(Self.leave)] }
        switch operation {
        case 0: return dispatch(json)
        case 1: return askedForHeartbeat(now)
        case 7: return [.disconnect(Self.leave)]
        case 9:
            // The session is over unless it says otherwise.
            isInvalid = true
            if !json.isTrue("d") { forgetSession() }
            return [.disconnect(Self.leave)]
        case 10: return hello(json.object("d"), now, random)
        case 11: isAcknowledged = true
        default: break
        }
        return []
    }

    private mutating func hello(_ json: DiscordJSON?, _ now: Int64, _ random: Double) -> [Action] {
        guard phase == .connected, let milliseconds = json?.int("heartbeat_interval"), milliseconds > 0 else {
            return phase == .connected ? [.disconnect(Self.leave)] : []
        }
        let wanted = Int64(min(milliseconds, 3_600_000)) * 1_000_000
        interval = min(max(wanted, Self.minInterval), Self.maxInterval)
        deadline = now + Int64(Double(interval) * min(max(random, 0), 1))
        phase = .shaking
        let quoted = DiscordJSON.quoted(token)
        if let session, let sequence {
            let id = DiscordJSON.quoted(session.id)
            return [.send(#"{"op":6,"d":{"token":\#(quoted),"session_id":\#(id),"seq":\#(sequence)}}"#)]
        }
        budget.take(now: now)
        let properties = #"{"os":"linux","browser":"belfry","device":"belfry"}"#
        return [.send(#"{"op":2,"d":{"token":\#(quoted),"intents":\#(intents),"properties":\#(properties)}}"#)]
    }

    // MARK: Heartbeats

    private var heartbeat: Action { .send(#"{"op":1,"d":\#(sequence.map(String.init) ?? "null")}"#) }

    /// Does what is due; nothing before `deadline`.
    mutating func tick(now: Int64) -> [Action] {
        guard let deadline, now >= deadline else { return [] }
        // No hello, or no word since the last heartbeat: nobody is there.
        guard phase != .connected, isAcknowledged else {
            self.deadline = nil
            return [.disconnect(Self.leave)]
        }
        isAcknowledged = false
        self.deadline = now + interval
        return [heartbeat]
    }

    private mutating func askedForHeartbeat(_ now: Int64) -> [Action] {
        guard phase != .connected else { return [] }
        asked.removeAll { now - $0 > 60 * Self.second }
        guard asked.count < Self.maxAsked else { return [] }
        asked.append(now)
        return [heartbeat]
    }

    // MARK: Events

    private mutating func dispatch(_ json: DiscordJSON) -> [Action] {
        // What comes before hello is no event of this session.
        guard phase != .connected else { return [] }
        let data = json.object("d")
        if let number = json.int("s") { sequence = number }
        switch json.string("t") {
        case "READY":
            guard let data, let user = DiscordUser(data.object("user")), let id = data.string("session_id"),
                id.utf8.count <= 512
            else { return [.disconnect(Self.leave)] }
            session = Session(id: id, url: resumeURL(data.string("resume_gateway_url")))
            self.user = user
            let isSecond = hadSession
            hadSession = true
            settle()
            return [.report(.ready(user, afterLoss: isSecond))]
        case "RESUMED":
            settle()
            return [.report(.resumed)]
        case "MESSAGE_CREATE":
            guard let data, let message = DiscordMessage(data, own: user?.id) else { return [] }
            return [.report(.message(message))]
        default: return []
        }
    }

    private mutating func settle() {
        phase = .ready
        failures = 0
        isInvalid = false
    }

    /// Where the session is resumed: never over plain text, which would show the token, when the gateway is not.
    private func resumeURL(_ url: String?) -> String? {
        guard let url, url.utf8.count <= 512 else { return nil }
        let isSecure = url.lowercased().hasPrefix("wss://")
        return isSecure || gateway.lowercased().hasPrefix("ws://") ? url : nil
    }

    private mutating func forgetSession() {
        session = nil
        sequence = nil
    }

    // MARK: End

    /// The connection is gone, or was not to be had.
    ///
    /// - Parameter code: Of the gateway's close frame; nil when there was none.
    mutating func ended(code: UInt16?, now: Int64, random: Double) -> Next {
        let wasReady = phase == .ready
        phase = .away
        deadline = nil
        switch code {
        case 4004: return .stop(DiscordError(.rejected, "the gateway does not know the token"))
        case 4010, 4011: return .stop(DiscordError(.rejected, "the bot is on so many servers that it needs shards"))
        case 4012: return .stop(DiscordError(.rejected, "the gateway does not speak version 10 any more"))
        case 4013: return .stop(DiscordError(.rejected, "the gateway does not know the intents"))
        case 4014:
            return .stop(DiscordError(.rejected, "the bot may not have these intents: see the developer portal"))
        // What was said cannot be gone on with.
        case 4003, 4007, 4009: forgetSession()
        default: break
        }
        var after: Int64
        if wasReady {
            after = timing.pause / 4
        } else if isInvalid, failures == 0 {
            // One to five of the usual pauses, as Discord asks after an invalid session.
            after = timing.pause + Int64(Double(timing.pause) * 4 * min(max(random, 0), 1))
            failures = 1
        } else {
            failures = min(failures + 1, 32)
            let longest = timing.pause.multipliedReportingOverflow(by: 1 << Int64(min(failures - 1, 20)))
            let full = longest.overflow ? timing.maxPause : min(longest.partialValue, timing.maxPause)
            after = full / 2 + Int64(Double(full / 2) * min(max(random, 0), 1))
        }
        isInvalid = false
        if session == nil { after = max(after, budget.wait(now: now)) }
        return .connect(url, after: after)
    }
}
