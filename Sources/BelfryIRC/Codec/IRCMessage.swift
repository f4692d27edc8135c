// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// One line of IRC: tags, who it comes from, a command or a number, parameters (RFC 1459 and 2812, 2.3).
public struct IRCMessage: Sendable, Hashable {
    /// The message tags of IRCv3, unescaped; a tag without a value has the empty text.
    public var tags: [String: String]
    /// Who it comes from; nil where the line does not say, as in what a client sends.
    public var prefix: IRCPrefix?
    /// The command in capitals, or a reply's three digits.
    public var command: String
    /// The parameters, the last one without the colon that may mark it.
    public var parameters: [String]

    /// Makes a message; ``encoded()`` says whether it can be sent.
    public init(
        _ command: String,
        _ parameters: [String] = [],
        prefix: IRCPrefix? = nil,
        tags: [String: String] = [:]
    ) {
        self.tags = tags
        self.prefix = prefix
        self.command = command
        self.parameters = parameters
    }

    /// A reply's number; nil for a command.
    public var number: Int? {
        let digits = command.utf8
        return digits.count == 3 && digits.allSatisfy { (0x30...0x39).contains($0) } ? Int(command) : nil
    }

    /// Who it comes from: a nickname or a server's name; empty where the line does not say.
    public var sender: String { prefix?.name ?? "" }

    /// The first parameter, which in most commands is the channel or the person concerned; empty without parameters.
    public var target: String { parameters.first ?? "" }

    /// What a person said with PRIVMSG, plain: an action as `* waves`; nil for all else, as programs' questions (CTCP).
    public var spoken: String? {
        guard command == "PRIVMSG", parameters.count > 1 else { return nil }
        guard text.hasPrefix("\u{1}") else { return IRCText.plain(text) }
        let action = "\u{1}ACTION "
        return text.hasPrefix(action) ? "* " + IRCText.plain(String(text.dropFirst(action.count))) : nil
    }

    /// The last parameter, which in most commands is the text; empty without parameters.
    public var text: String { parameters.last ?? "" }
}

extension IRCMessage: CustomStringConvertible {
    /// The line for a person who reads a log, without tags.
    public var description: String {
        let start = prefix.map { ":\($0) " } ?? ""
        return start + ([command] + parameters.map { "\($0.debugDescription)" }).joined(separator: " ")
    }
}
