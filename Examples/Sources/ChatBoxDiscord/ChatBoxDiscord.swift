// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryChatBox
import BelfryDiscord
import BelfryHTTP
import BelfryIO
import Foundation
import Logging

/// Visitors of a web page talk to people on Discord, each in a thread of the forum channel "chatbox50".
///
/// `ChatBoxDiscord [port] [--terminal]`, port 8000 if absent; 0 lets the system choose. The bot's token is taken from
/// `DISCORD_TOKEN`; `DISCORD_API_URL` and `DISCORD_GATEWAY_URL` name other places than Discord's. With `--terminal` the
/// visitors talk to whoever sits there instead. Everything said is kept in chatbox50.db, or chatbox50-terminal.db.
@main
struct ChatBoxDiscord {
    typealias Box = ChatBox<UUID, Int>

    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        let port = arguments.lazy.compactMap { UInt16($0) }.first ?? 8_000
        let isTerminal = arguments.contains("--terminal")
        let token = ProcessInfo.processInfo.environment["DISCORD_TOKEN"] ?? ""
        guard isTerminal || !token.isEmpty else {
            FileHandle.standardError.write(Data("DISCORD_TOKEN is not set; --terminal does without Discord\n".utf8))
            exit(2)
        }
        let logger = Logger(label: "chatbox50", factory: { StreamLogHandler.standardError(label: $0) })
        let box = try Box(
            name: isTerminal ? "chatbox50-terminal" : "chatbox50",
            service1: UUID.self,
            service2: Int.self,
            service1Name: "web",
            service2Name: isTerminal ? "terminal" : "discord",
            logger: logger
        )
        let broker = try Broker(logger: logger)
        var web = ChatBoxWebConfiguration()
        // A visitor who comes back sees what was said last, and what came meanwhile.
        web.replayedMessages = 20
        let server = ChatBoxWeb(box, configuration: web).server(broker: broker, address: .loopback(port: port))
        // Pages are served once there is somebody to talk to.
        let open: @Sendable () async throws -> Void = { print("listening on http://\(try await server.start())/") }
        if isTerminal {
            try await TerminalService.serve(box.worker2, open)
        } else {
            try await DiscordService.serve(box.worker2, try DiscordToken(token), logger, open)
        }
        await broker.shutDown()
        await box.close()
    }
}
