// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Hummingbird
import Logging
import NIOCore
import NIOPosix

/// `hummingbird-http PORT [LOOPS] [--executor]`: `GET /hello` and `GET /hello/:name` on Hummingbird, one event loop if not told otherwise.
///
/// With `--executor` the event loops run Swift's tasks as well, which spares a hop to a thread of the pool and back.
@main
struct HummingbirdHTTP {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        let numbers = arguments.compactMap { Int($0) }
        let loops = numbers.dropFirst().first ?? 1
        NIOSingletons.groupLoopCountSuggestion = loops
        if arguments.contains("--executor"),
            !NIOSingletons.unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor()
        {
            print("the event loops cannot run tasks here")
        }

        let router = Router()
        router.get("/hello") { _, _ in "Hello, world!\n" }
        router.get("/hello/:name") { _, context in "Hello, \(context.parameters.get("name") ?? "you")!\n" }
        var logger = Logger(label: "hummingbird")
        logger.logLevel = .error
        let application = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: numbers.first ?? 8080), serverName: nil),
            onServerRunning: { channel in
                print("listening on \(channel.localAddress?.port ?? 0)")
                fflush(nil)
            },
            eventLoopGroupProvider: .singleton,
            logger: logger
        )
        try await application.runService()
    }
}
