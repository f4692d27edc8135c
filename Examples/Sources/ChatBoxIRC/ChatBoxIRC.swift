// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryChatBox
import BelfryIRC
import Foundation
import Logging

/// Visitors of a web page talk to people on IRC: a channel for each visitor, and a history that outlives both.
@main
struct ChatBoxIRC {
    static func main() async throws {
        guard let options = Options(CommandLine.arguments.dropFirst()) else {
            print(Options.usage)
            exit(2)
        }
        let logger = Logger(label: "chatbox.irc")
        let box = try ChatBox(name: options.box, service1: UUID.self, service2: String.self, logger: logger)
        let broker = try Broker(logger: logger)
        let who = IRCClient.Identity(nickname: options.nickname, realName: "Customer service")

        try await IRCClient.withConnection(to: options.host, port: options.ircPort, as: who, logger: logger) { irc in
            let messages = await irc.messages()
            try await irc.join(options.lobby)
            let bridge = Bridge(irc: irc, operators: box.worker2, lobby: options.lobby)
            bridge.connect()

            var web = ChatBoxWebConfiguration()
            web.replayedMessages = 100
            let server = ChatBoxWeb(box, configuration: web).server(
                broker: broker,
                address: .loopback(port: options.port)
            )
            print("listening on \(try await server.start())")

            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await box.run() }
                group.addTask { await broker.run() }
                group.addTask { try await bridge.run(messages) }
                // None of them ends before the program does, unless something is wrong.
                try await group.next()
                group.cancelAll()
            }
        }
    }
}
