// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BelfryHTTP
import BelfryWatchbox

/// `belfry watchbox`: a web server with Watchbox, for pages that come from it.
struct WatchboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watchbox",
        abstract: "A Watchbox server.",
        discussion: """
            Pages poll groups over HTTP; the script for them is at /watchbox.file.wb. What happens is printed, up to \
            --logging-level. A HOST or PORT without its option's name wins over the option.
            """
    )

    @OptionGroup var place: WebPlace

    @Option(help: "Seconds of silence after which a client is forgotten.")
    var timeout = 10.0

    @Option(help: "Seconds that a message waits for a client.")
    var ttl = 50.0

    @Option(help: "Messages that wait for a client in each group.")
    var listLimit = 50

    @Option(help: "What is printed: 1 errors, 2 who comes and goes, 3 every message; 0 nothing.")
    var loggingLevel = 3

    @Flag(help: "Refuse the log lines of clients instead of writing them to client.watchbox.log.")
    var noClientLogging = false

    @Flag(help: "Give a client its own messages, too.")
    var deliverToSender = false

    @Option(help: "Serve the files of this directory as well.")
    var files: String?

    @Option(
        help: "A page that may ask, as in https://example.com; may be repeated, 'any' lets all. If absent: its own."
    )
    var origin: [String] = []

    @OptionGroup var engine: EngineOptions

    func validate() throws {
        for (name, seconds) in [("--timeout", timeout), ("--ttl", ttl)] where !(0.5...1e9).contains(seconds) {
            throw ValidationError("\(name) takes seconds, at least 0.5.")
        }
        guard (1...1_000_000).contains(listLimit) else { throw ValidationError("--list-limit takes 1 to 1000000.") }
        guard (0...3).contains(loggingLevel) else { throw ValidationError("--logging-level takes 0 to 3.") }
    }

    func run() async throws {
        let printer = LinePrinter()
        var configuration = WatchboxConfiguration()
        configuration.settings.timeout = .seconds(timeout)
        configuration.settings.ttl = .seconds(ttl)
        configuration.settings.listLimit = listLimit
        configuration.settings.loggingLevel = loggingLevel
        configuration.settings.clientLogging = !noClientLogging
        configuration.settings.deliverToSender = deliverToSender
        configuration.log = { printer.print($0) }
        if let origins = WebSocketOrigins(commandLine: origin) { configuration.origins = origins }
        let pages = try files.map { try StaticResources(directory: $0) } ?? StaticResources()
        try await place.serve(engine) { broker, router in
            router.resources(pages)
            Watchbox(broker: broker, configuration: configuration).addRoutes(to: &router)
        } banner: { port in
            " * Running on http://\(place.writtenHost):\(port) with WatchBox"
        }
        printer.flush()
    }
}
