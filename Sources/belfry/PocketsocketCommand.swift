// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BelfryHTTP
import BelfryPocketsocket

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

    @OptionGroup var place: WebPlace

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
        let printer = LinePrinter()
        var configuration = PocketsocketConfiguration()
        configuration.echo = echo
        if verbose { configuration.trace = { printer.print($0.description) } }
        if let origins = WebSocketOrigins(commandLine: origin) { configuration.webSocket.origins = origins }
        try await place.serve(engine) { broker, router in
            PocketsocketServer(broker: broker, configuration: configuration).addRoutes(to: &router)
        } banner: { port in
            verbose ? "Ready \(place.chosenHost) \(port)" : ""
        }
        printer.flush()
    }
}
