// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryHTTP
import BelfryIO
import BelfryPocketsocket
import BelfryTerminal
import Logging

/// `belfry pocketsocket`: what the original's `server.py` was, with its arguments.
struct PocketsocketCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pocketsocket",
        abstract: "A Pocketsocket server.",
        discussion: """
            WebSockets on any path; what one client says, all others get. The browser client is at /pocket.socket.js, a \
            chat page at /. A HOST or PORT without its option's name wins over the option.
            """
    )

    @Argument(help: ArgumentHelp("Where to listen; 127.0.0.1 if absent.", valueName: "host"))
    var positionalHost: String?

    @Argument(help: ArgumentHelp("The port, 0 chooses one; 8001 if absent.", valueName: "port"))
    var positionalPort: UInt16?

    @Option(help: "Where to listen.")
    var host = "127.0.0.1"

    @Option(help: "The port.")
    var port: UInt16 = 8_001

    @Flag(name: .shortAndLong, help: "Send a message back to its sender, too.")
    var echo = false

    @Flag(name: .shortAndLong, help: "Print 'Ready HOST PORT', who comes and goes, and every message.")
    var verbose = false

    @Option(
        help: """
            A page that may connect, as in https://example.com; may be repeated, 'any' lets all in. If absent: pages of \
            this machine, and files.
            """
    )
    var origin: [String] = []

    @OptionGroup var engine: EngineOptions

    func run() async throws {
        var logger = Logger(label: "belfry") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        try await CleanExit.withMessages { try await serve(logger) }
    }

    private func serve(_ logger: Logger) async throws {
        let host = positionalHost ?? host
        let written = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        let address = try await SocketAddress(resolving: "\(written):\(positionalPort ?? port)")
        var configuration = PocketsocketConfiguration()
        configuration.echo = echo
        // A server goes on when nobody reads what it prints any more.
        StandardOutput.ignoreBrokenPipes()
        let printer = LinePrinter()
        if verbose { configuration.trace = { printer.print($0.description) } }
        if let origins = WebSocketOrigins(commandLine: origin) { configuration.webSocket.origins = origins }
        let metrics = PrometheusMetrics()
        var brokerConfiguration = engine.configuration()
        brokerConfiguration.metrics = metrics
        let broker = try Broker(configuration: brokerConfiguration, logger: logger)
        let server = PocketsocketServer(broker: broker, configuration: configuration)
        let web = HTTPServer.web(broker: broker, address: address, metrics: metrics) { server.addRoutes(to: &$0) }
        let bound: SocketAddress
        do {
            bound = try await web.start()
        } catch {
            await broker.shutDown()
            throw error
        }
        try await broker.run(until: verbose ? "Ready \(host) \(bound.port ?? 0)" : "", logger)
        withExtendedLifetime(web) {}
        printer.flush()
    }
}
