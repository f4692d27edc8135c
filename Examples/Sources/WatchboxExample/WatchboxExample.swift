// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryCodable
import BelfryHTTP
import BelfryIO
import BelfryWatchbox
import Foundation
import Logging

/// Watchbox's callback program: `WatchboxExample [--host H] [--port N] [--timeout SECONDS] [--list-limit N]`.
///
/// 127.0.0.1 and 5000 if absent; port 0 lets the system choose.
@main
struct WatchboxExample {
    static func main() async throws {
        var address = SocketAddress.loopback(port: 5_000)
        var configuration = WatchboxConfiguration()
        var words = CommandLine.arguments.dropFirst()
        while let option = words.popFirst() {
            guard let value = words.popFirst(), read(option, value, &address, &configuration) else {
                say("WatchboxExample [--host ADDRESS] [--port N] [--timeout SECONDS] [--list-limit N]")
                exit(2)
            }
        }
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

    private static func read(
        _ option: String,
        _ value: String,
        _ address: inout SocketAddress,
        _ configuration: inout WatchboxConfiguration
    ) -> Bool {
        switch (option, Double(value)) {
        case ("--host", _):
            let host = value == "localhost" ? "127.0.0.1" : value
            guard let named = SocketAddress(numericHost: host, port: address.port ?? 0) else { return false }
            address = named
        case ("--port", let number?):
            guard let port = UInt16(exactly: number),
                let named = SocketAddress(numericHost: address.host, port: port)
            else { return false }
            address = named
        case ("--timeout", let seconds?) where seconds > 0: configuration.settings.timeout = .seconds(seconds)
        case ("--list-limit", let number?):
            guard let limit = Int(exactly: number), limit > 0 else { return false }
            configuration.settings.listLimit = limit
        default: return false
        }
        return true
    }
}
