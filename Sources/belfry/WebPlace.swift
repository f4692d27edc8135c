// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryHTTP
import BelfryIO
import BelfryTerminal
import Foundation
import Logging

/// Where a program of one front-end listens, as the originals take it: `HOST PORT`, or the options of those names.
struct WebPlace: ParsableArguments {
    @Argument(help: ArgumentHelp("Where to listen; 127.0.0.1 if absent.", valueName: "host"))
    var positionalHost: String?

    @Argument(help: ArgumentHelp("The port, 0 chooses one; 8001 if absent.", valueName: "port"))
    var positionalPort: UInt16?

    @Option(help: "Where to listen.")
    var host = "127.0.0.1"

    @Option(help: "The port.")
    var port: UInt16 = 8_001

    /// The host as it was given.
    var chosenHost: String { positionalHost ?? host }

    /// The host as it stands before a port.
    var writtenHost: String {
        chosenHost.contains(":") && !chosenHost.hasPrefix("[") ? "[\(chosenHost)]" : chosenHost
    }

    /// Serves until SIGTERM or SIGINT.
    ///
    /// - Parameters:
    ///   - engine: The I/O engine.
    ///   - addRoutes: Adds what is served, on a broker.
    ///   - banner: Says, with the port, what to print once it serves; empty for nothing.
    func serve(
        _ engine: EngineOptions,
        addRoutes: (Broker, inout Router) -> Void,
        banner: (UInt16) -> String
    ) async throws {
        var logger = Logger(label: "belfry") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        // A server goes on when nobody reads what it prints any more.
        StandardOutput.ignoreBrokenPipes()
        try await CleanExit.withMessages {
            let address = try await SocketAddress(resolving: "\(writtenHost):\(positionalPort ?? port)")
            let metrics = PrometheusMetrics()
            var configuration = engine.configuration()
            configuration.metrics = metrics
            let broker = try Broker(configuration: configuration, logger: logger)
            let web = HTTPServer.web(broker: broker, address: address, metrics: metrics) { addRoutes(broker, &$0) }
            let bound: SocketAddress
            do {
                bound = try await web.start()
            } catch {
                await broker.shutDown()
                throw error
            }
            try await broker.run(until: banner(bound.port ?? 0), logger)
            withExtendedLifetime(web) {}
        }
    }
}
