// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A client's talk with its server without network, clock or task: lines come in, what is to be done goes out.
struct IRCClientMachine: ~Copyable {
    /// What the shell does, in the order of the answer.
    enum Action: Equatable {
        /// Send at once, ahead of what waits.
        case send(IRCMessage)
        /// The server has let the client in.
        case registered
        /// Ask to be let into these channels, as soon as the pace allows.
        case join([String])
        /// The client is in a channel.
        case joined(String)
        /// The server does not let the client into a channel: its words.
        case joinRefused(String, String)
        /// The server does not let the client in: its words.
        case refused(String)
    }

    private struct Channel {
        let name: String
        let key: String?
        var isIn = false
    }

    private enum Phase {
        case offline, registering, registered
    }

    /// Replies to a JOIN that failed (RFC 2812, 5.2, and what servers added): the channel is their second parameter.
    private static let joinRefusals: Set = [403, 405, 407, 437, 461, 471, 473, 474, 475, 476, 477, 479, 489, 520]
    /// Nicknames to try before the client gives up.
    private static let maxNicknames = 20
    /// Names that one JOIN carries, fewer than any server's limit.
    private static let namesPerJoin = 10

    private let identity: IRCClient.Identity
    private let capabilities: Set<String>
    private var phase = Phase.offline
    private var offered: Set<String> = []
    private var attempt = 0
    private var mapping = IRCNames.Mapping.rfc1459
    /// Wanted channels by their folded names.
    private var channels: [String: Channel] = [:]

    /// The name under which the server knows the client, or is asked to.
    private(set) var nickname: String

    init(_ identity: IRCClient.Identity, capabilities: Set<String>) {
        self.identity = identity
        self.capabilities = capabilities
        nickname = identity.nickname
    }

    var isRegistered: Bool { phase == .registered }

    /// The channels that the client is in, in the order of their names.
    var joinedChannels: [String] { channels.values.filter(\.isIn).map(\.name).sorted() }

    // MARK: What is wanted

    /// Wants to be in a channel, now and after each reconnect.
    mutating func want(_ name: String, key: String?) -> [Action] {
        let id = fold(name)
        guard channels[id]?.isIn != true else { return [.joined(name)] }
        channels[id] = Channel(name: name, key: key)
        return phase == .registered ? [.join([name])] : []
    }

    /// Wants to be in a channel no longer; whether it had been wanted.
    mutating func forget(_ name: String) -> Bool { channels.removeValue(forKey: fold(name)) != nil }

    /// Whether two names are the same to the server.
    func isSame(_ one: String, _ other: String) -> Bool { fold(one) == fold(other) }

    /// Takes names off the front for one JOIN; nil when none of them is wanted any more.
    func joinLine(_ names: inout [String]) -> IRCMessage? {
        var list: [String] = []
        var bytes = 0
        while let name = names.first, list.count < Self.namesPerJoin, bytes + name.utf8.count < 400 {
            guard let channel = channels[fold(name)], !channel.isIn else {
                names.removeFirst()
                continue
            }
            if let key = channel.key {
                guard list.isEmpty else { break }
                names.removeFirst()
                return IRCMessage("JOIN", [name, key])
            }
            names.removeFirst()
            list.append(name)
            bytes += name.utf8.count + 1
        }
        return list.isEmpty ? nil : IRCMessage("JOIN", [list.joined(separator: ",")])
    }

    // MARK: What happened

    /// The connection stands: asks to be let in (RFC 2812, 3.1, with IRCv3 capability negotiation around it).
    mutating func connected() -> [Action] {
        phase = .registering
        offered = []
        attempt = 0
        mapping = .rfc1459
        nickname = identity.nickname
        var lines: [IRCMessage] = []
        if !capabilities.isEmpty { lines.append(IRCMessage("CAP", ["LS", "302"])) }
        if let password = identity.password { lines.append(IRCMessage("PASS", [password])) }
        lines.append(IRCMessage("NICK", [nickname]))
        lines.append(IRCMessage("USER", [identity.username, "0", "*", identity.realName]))
        return lines.map { .send($0) }
    }

    /// The connection is gone.
    mutating func disconnected() {
        phase = .offline
        for id in channels.keys { channels[id]?.isIn = false }
    }

    mutating func received(_ message: IRCMessage) -> [Action] {
        switch message.command {
        case "PING": return [.send(IRCMessage("PONG", [message.text]))]
        case "CAP": return negotiate(message.parameters)
        case "001": return welcomed(as: message.target)
        case "005": adopt(message.parameters)
        case "432", "433", "436": return nicknameRefused(message)
        case "437" where !IRCNames.isChannel(parameter(1, of: message)): return nicknameRefused(message)
        case "463", "464", "465", "466": if phase == .registering { return [.refused(message.text)] }
        case "NICK": if isSame(message.sender, nickname), !message.target.isEmpty { nickname = message.target }
        case "JOIN": if isSame(message.sender, nickname) { return entered(message.target) }
        case "PART": if isSame(message.sender, nickname) { left(message.target) }
        case "KICK": if isSame(parameter(1, of: message), nickname) { left(message.target) }
        default:
            if let number = message.number, Self.joinRefusals.contains(number) { return joinRefused(message) }
        }
        return []
    }

    // MARK: Registration

    /// IRCv3 capability negotiation: asks for what is wanted and offered, and ends in any case.
    private mutating func negotiate(_ parameters: [String]) -> [Action] {
        guard phase == .registering, parameters.count > 1 else { return [] }
        switch parameters[1].uppercased() {
        case "LS":
            let names = (parameters.last ?? "").split(separator: " ").compactMap { $0.split(separator: "=").first }
            // Only what is wanted: a server that offers without end takes no memory.
            offered.formUnion(names.map(String.init).filter(capabilities.contains))
            // A star says that more of the list follows.
            if parameters.count > 3, parameters[2] == "*" { return [] }
            let list = offered.sorted().joined(separator: " ")
            return [.send(IRCMessage("CAP", offered.isEmpty ? ["END"] : ["REQ", list]))]
        case "ACK", "NAK": return [.send(IRCMessage("CAP", ["END"]))]
        default: return []
        }
    }

    private mutating func nicknameRefused(_ message: IRCMessage) -> [Action] {
        guard phase == .registering else { return [] }
        attempt += 1
        guard attempt < Self.maxNicknames else { return [.refused(message.text)] }
        nickname = IRCNames.variant(attempt, of: identity.nickname)
        return [.send(IRCMessage("NICK", [nickname]))]
    }

    private mutating func welcomed(as name: String) -> [Action] {
        guard phase == .registering else { return [] }
        phase = .registered
        if !name.isEmpty { nickname = name }
        return [.registered] + (channels.isEmpty ? [] : [.join(channels.values.map(\.name).sorted())])
    }

    private mutating func adopt(_ parameters: [String]) {
        for parameter in parameters where parameter.hasPrefix("CASEMAPPING=") {
            guard let mapping = IRCNames.Mapping(rawValue: String(parameter.dropFirst(12))) else { continue }
            self.mapping = mapping
            let all = channels.values
            channels = [:]
            for channel in all { channels[fold(channel.name)] = channel }
        }
    }

    // MARK: Channels

    private mutating func entered(_ name: String) -> [Action] {
        let id = fold(name)
        guard channels[id] != nil else { return [] }
        channels[id]?.isIn = true
        return [.joined(name)]
    }

    private mutating func left(_ name: String) {
        let id = fold(name)
        // Where the client is not in yet, this is about a stay before: it still waits to be let in.
        if channels[id]?.isIn == true { channels[id] = nil }
    }

    private mutating func joinRefused(_ message: IRCMessage) -> [Action] {
        let name = parameter(1, of: message)
        guard let channel = channels[fold(name)], !channel.isIn else { return [] }
        channels[fold(name)] = nil
        return [.joinRefused(channel.name, message.text)]
    }

    private func fold(_ name: String) -> String { IRCNames.fold(name, mapping) }

    private func parameter(_ index: Int, of message: IRCMessage) -> String {
        index < message.parameters.count ? message.parameters[index] : ""
    }
}
