// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryChatBox
import BelfryDiscord
import Foundation
import Logging

/// The side of Discord: a thread for each visitor.
enum DiscordService {
    /// Carries texts both ways until the gateway wants no more.
    static func serve(
        _ worker: ChatBoxDiscord.Box.Worker2,
        _ token: DiscordToken,
        _ logger: Logger,
        _ open: @Sendable () async throws -> Void
    ) async throws {
        let environment = ProcessInfo.processInfo.environment
        var configuration = DiscordClient.Configuration()
        configuration.apiURL = environment["DISCORD_API_URL"] ?? configuration.apiURL
        configuration.gatewayURL = environment["DISCORD_GATEWAY_URL"]
        try await DiscordClient.withClient(token: token, configuration: configuration, logger: logger) { discord in
            let forum = try await discord.forum(named: "chatbox50")
            worker.onCreate { visitor in
                try await discord.startThread(named: visitor.serviceText, in: forum, text: "new client access")
            }
            worker.onMessageReceived { message in
                guard message.sentBy == .service1 else { return }
                try await discord.post(message.content, in: message.service2ID)
            }
            try await open()
            for try await delivery in discord.events {
                switch delivery {
                case .element(.message(let message)) where !message.isOwn: await take(message, worker, logger)
                case .element(.ready(_, afterLoss: true)): logger.warning("what was said on Discord meanwhile is lost")
                case .element(.ended(let error)): throw error
                case .gap(let from, let to): logger.warning("\(to - from) events of Discord are lost")
                case .element: break
                }
            }
        }
    }

    /// To the visitor, or into the file for the next visit.
    private static func take(_ message: DiscordMessage, _ worker: ChatBoxDiscord.Box.Worker2, _ logger: Logger) async {
        let text = ([message.content] + message.attachments).filter { !$0.isEmpty }.joined(separator: "\n")
        guard !text.isEmpty else { return }
        do throws(ChatBoxError) {
            try await worker.leave(text, for: message.channelID)
        } catch {
            // Other channels and threads are nobody's.
            guard error.code != .unknownClient else { return }
            logger.warning("not delivered to a visitor", metadata: ["reason": "\(error)"])
        }
    }
}
