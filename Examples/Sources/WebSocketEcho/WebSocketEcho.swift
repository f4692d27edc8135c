// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import Logging

/// A server that sends back every WebSocket message as it came.
///
/// `WebSocketEcho [port] [--deflate]`, port 8001 if absent; 0 lets the system choose.
@main
struct WebSocketEcho {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        let port = arguments.first.flatMap { UInt16($0) } ?? 8001
        var configuration = WebSocketConfiguration()
        if arguments.contains("--deflate") { configuration.deflate = WebSocketDeflate() }

        var limits = BrokerConfiguration()
        limits.limits.maxPendingBytes = 64 * 1024 * 1024
        let broker = try Broker(configuration: limits, logger: Logger(label: "echo"))

        var router = Router()
        router.webSocket("/", configuration: configuration) { socket in
            for try await message in socket.messages { try await socket.send(message) }
        }
        let server = HTTPServer(broker: broker, router: router, configuration: .init(address: .loopback(port: port)))
        print("listening on \(try await server.start())")
        await broker.run()
    }
}
