// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import Glibc
import HTTPTypes
import Logging

/// `http-hello PORT [--io epoll|uring]`: `GET /hello/:name` on the product's HTTP server, one event loop.
///
/// The handler is an async one, as that of `hummingbird-http` is.
@main
struct HTTPHello {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let io = arguments.firstIndex(of: "--io").flatMap { arguments.dropFirst($0 + 1).first }
        let port = arguments.first.flatMap { UInt16($0) }
        guard let port, let choice = io.map({ IOChoice($0) }) ?? .automatic else {
            print("usage: http-hello PORT [--io epoll|uring]")
            exit(2)
        }
        var router = Router()
        router.on(.get, "/hello/:name") { request in .text("Hello, \(request.parameter("name") ?? "you")!\n") }
        var logger = Logger(label: "hello")
        logger.logLevel = .error
        let broker = try Broker(configuration: BrokerConfiguration(io: choice, loops: 1), logger: logger)
        let server = HTTPServer(broker: broker, router: router, configuration: .init(address: .loopback(port: port)))
        print("listening on \(try await server.start())")
        fflush(nil)
        await broker.run()
    }
}
