// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryChatBox
import BelfryIRC
import Foundation

/// Carries what is said between a chat box and IRC: each visitor has a channel, whose name is his ID in service 2.
struct Bridge: Sendable {
    private static let prefix = "#visitor-"
    let irc: IRCClient
    let operators: ChatBox<UUID, String>.Worker2
    let lobby: String

    /// Web to IRC.
    func connect() {
        operators.onCreate { _ in
            // By lot: the visitor's UUID is all that it takes to be that visitor, so nothing of it is shown.
            let channel = Self.prefix + String(format: "%08x", UInt32.random(in: 0 ... .max))
            try await irc.join(channel)
            try await irc.send("A visitor waits in \(channel)", to: lobby)
            return channel
        }
        operators.onNewAccess { channel in try await irc.startJoining(channel) }
        operators.onMessageReceived { message in
            guard message.sentBy == .service1 else { return }
            // What is longer than anybody types is for the history alone.
            let text = IRCText.plain(String(message.content.prefix(1_000).unicodeScalars.prefix(2_000)))
            let lines = IRCText.lines(of: text, maxBytes: 350).prefix(10)
            try await irc.send(lines.map { "<visitor> \($0)" }.joined(separator: "\n"), to: message.service2ID)
        }
    }

    /// IRC to web, until the client ends.
    func run(_ messages: Queue<IRCMessage>) async throws {
        // Channels in which somebody waits for a visitor of earlier days.
        try await irc.send(IRCMessage("LIST", ["\(Self.prefix)*"]))
        for try await delivery in messages {
            switch delivery {
            case .gap(let from, let to): try? await irc.notice("\(to - from) lines were lost", to: lobby)
            case .element(let message) where message.command == "322":
                await comeBack(to: message.parameters.dropFirst().first)
            case .element(let message) where message.command == "INVITE": await comeBack(to: message.text)
            case .element(let message): await leave(message.spoken, in: message.target.lowercased())
            }
        }
    }

    private func comeBack(to channel: String?) async {
        guard let channel, (try? await operators.storedConnection(for: channel)) != nil else { return }
        try? await irc.startJoining(channel)
    }

    /// For the visitor, or for his next visit.
    private func leave(_ text: String?, in channel: String) async {
        guard let text, channel.hasPrefix(Self.prefix) else { return }
        do { try await operators.leave(text, for: channel) } catch { try? await irc.notice("\(error)", to: channel) }
    }
}
