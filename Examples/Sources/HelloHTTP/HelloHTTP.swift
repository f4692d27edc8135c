// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import Glibc
import Logging

/// An HTTP server that says hello, by each kind of handler.
///
/// `HelloHTTP [port] [--io epoll|uring] [--loops N]`, port 8080 if absent; 0 lets the system choose.
///
///     curl http://127.0.0.1:8080/hello
///     curl http://127.0.0.1:8080/hello/Ann
///     curl --data 'three words long' http://127.0.0.1:8080/hello
@main
struct HelloHTTP {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        let port = arguments.first.flatMap { UInt16($0) } ?? 8080
        let io = option("--io", of: arguments).flatMap { IOChoice($0) } ?? .automatic
        let loops = option("--loops", of: arguments).flatMap { Int($0) }

        var router = Router()
        // A handler is async, so it may wait for whatever it needs; it runs on its connection's event loop.
        router.on(.get, "/hello") { _ in .text("Hello, world!\n") }
        router.on(.get, "/hello/:name") { request in .text("Hello, \(request.parameter("name") ?? "you")!\n") }
        router.on(.post, "/hello") { request in .text("Hello, \(request.body.count) bytes!\n") }
        // One that has nothing to wait for can do without a task.
        router.onLoop(.get, "/at-once") { _ in .text("Hello, world!\n") }

        var logger = Logger(label: "hello")
        logger.logLevel = .warning
        let broker = try Broker(configuration: BrokerConfiguration(io: io, loops: loops), logger: logger)
        let server = HTTPServer(broker: broker, router: router, configuration: .init(address: .loopback(port: port)))
        print("listening on \(try await server.start())")
        fflush(nil)
        await broker.run()
    }

    private static func option(_ name: String, of arguments: ArraySlice<String>) -> String? {
        arguments.firstIndex(of: name).flatMap { arguments.dropFirst($0 + 1 - arguments.startIndex).first }
    }
}
