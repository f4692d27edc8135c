// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryCodable
import BelfryHTTP
import BelfryWatchbox
import Foundation
import Logging

/// Watchbox's callback program: `WatchboxExample [--host H] [--port N] [--timeout SECONDS] [--list-limit N]`.
///
/// 127.0.0.1 and 5000 if absent; port 0 lets the system choose.
@main
struct WatchboxExample {
    static func main() async throws {
        guard let (address, options) = Options.read(CommandLine.arguments.dropFirst()) else {
            say("WatchboxExample [--host ADDRESS] [--port N] [--timeout SECONDS] [--list-limit N]")
            exit(2)
        }
        var configuration = options
        configuration.log = { say($0) }

        let broker = try Broker(logger: Logger(label: "watchbox"))
        let watchbox = Watchbox(broker: broker, configuration: configuration)
        watchbox.onMessage { message in
            say("Message send: \((try? message.message.decode(String.self)) ?? message.message.text)")
            say("From: \(message.uid)")
            message.reply(.text("Sending a message back"))
        }
        watchbox.onTimeout { uid in say("Client disconnect: \(uid)") }
        watchbox.onJoin { uid in say("Client connect: \(uid)") }

        let server = HTTPServer.web(broker: broker, address: address) { router in
            router.onLoop(.get, "/") { _ in
                watchbox.publish(.text("person joined"), to: "foo")
                return .text("Watchbox test")
            }
            watchbox.addRoutes(to: &router)
        }
        say(" * Running on http://\(try await server.start()) with WatchBox")
        await broker.run()
    }

    /// Prints a line at once, into a pipe too.
    private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}
