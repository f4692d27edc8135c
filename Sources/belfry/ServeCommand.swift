// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryHistory
import BelfryHTTP
import BelfryIO
import Logging

/// `belfry serve`: the broker with its front-ends, until SIGTERM or SIGINT.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Start the broker.",
        discussion: """
            Every listener binds 127.0.0.1 unless told otherwise. SIGTERM and SIGINT drain: clients are told, what is \
            queued is sent, then everything is closed, after 10 seconds at the latest. A second signal ends at once.
            """
    )

    @OptionGroup var engine: EngineOptions

    @Option(help: "Where nucosMQ clients connect: HOST:PORT, [IPv6]:PORT or unix:PATH; port 0 chooses one.")
    var nucosmq = "127.0.0.1:4000"

    @Option(
        help: """
            Where MissionCommander clients connect: HOST:PORT, DEVICE:PORT or *:PORT; port 0 chooses one. They are in \
            the room missioncommander, and what they send is published there.
            """
    )
    var missioncommander = "127.0.0.1:30000"

    @Option(
        help: """
            Where browsers connect: HOST:PORT, [IPv6]:PORT or unix:PATH; port 0 chooses one. There is a chat page, \
            Pocketsocket (WebSocket, and /pocket.socket.js), Watchbox (/watchbox.file.wb), /healthz, /readyz and /metrics.
            """
    )
    var web = "127.0.0.1:8001"

    @Option(
        help: """
            A page that may open WebSockets and use Watchbox, as in https://example.com; may be repeated, 'any' lets all in. If absent: \
            pages of this machine, and files.
            """
    )
    var origin: [String] = []

    @Option(
        help: """
            A file, made if need be, in which every room's messages are kept (SQLite). If absent, nothing outlives the \
            program.
            """
    )
    var history: String?

    @Option(help: "With --history: messages kept of each room.")
    var historyMessages = 1_000_000

    @Option(help: "With --history: megabytes (of 1,048,576 bytes) kept of each room.")
    var historyMegabytes = 1_024

    @Option(help: "With --history: days a message is kept; as long as the other limits allow if absent.")
    var historyDays: Int?

    @Option(help: "How much is logged: trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .notice

    func run() async throws {
        var logger = Logger(label: "belfry") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = logLevel
        try await CleanExit.withMessages { try await serve(logger) }
    }

    func validate() throws {
        guard historyMessages > 0, (1...1_000_000_000).contains(historyMegabytes),
            (1...100_000).contains(historyDays ?? 1)
        else { throw ValidationError("What --history keeps is at least one message, megabyte and day.") }
        guard InterfaceAndPort(missioncommander) != nil else {
            throw ValidationError("--missioncommander takes HOST:PORT, as in 127.0.0.1:30000.")
        }
    }

    private var retention: SQLiteHistory.Configuration {
        var configuration = SQLiteHistory.Configuration()
        configuration.retention = .init(
            messages: historyMessages,
            bytes: Int64(historyMegabytes) * 1_048_576,
            age: historyDays.map { .seconds($0 * 86_400) }
        )
        return configuration
    }

    private func serve(_ logger: Logger) async throws {
        let places = try await (SocketAddress(resolving: nucosmq), SocketAddress(resolving: web))
        let metrics = PrometheusMetrics()
        var configuration = engine.configuration()
        configuration.metrics = metrics
        configuration.store = history.map { SQLiteHistory($0, configuration: retention, logger: logger) }
        let broker = try Broker(configuration: configuration, logger: logger)
        let bound: Addresses
        // Held until the end: a server lives as long as somebody holds it.
        let servers = Servers(
            broker,
            nucosmq: places.0,
            missioncommander: InterfaceAndPort(missioncommander),
            web: places.1,
            origins: WebSocketOrigins(commandLine: origin),
            metrics: metrics
        )
        do {
            bound = try await servers.start()
        } catch {
            await broker.shutDown()
            throw error
        }
        try await broker.run(until: bound.banner(broker), logger)
        withExtendedLifetime(servers) {}
    }
}

/// `HOST:PORT` where the host may be a device's name or `*`.
struct InterfaceAndPort {
    let interface: String
    let port: Int

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        interface = String(text[..<colon])
        self.port = Int(port)
    }
}
