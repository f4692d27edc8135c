// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryTesting
import BelfryWatchbox
import Foundation
import Logging

/// A running Watchbox server and how its pages reach it.
struct RunningWatchbox {
    let broker: Broker
    let watchbox: Watchbox
    let address: SocketAddress
    let lines: LogLines
    /// Where client log lines go.
    let clientLog: URL

    func connect(cookie: String? = nil) async throws -> Page { try await Page(to: address, cookie: cookie) }

    /// A page that is registered and in some groups.
    func page(in groups: String...) async throws -> Page {
        let page = try await connect()
        guard try await page.post("register") == "wb42" else { throw ConditionNotMet("registered") }
        for group in groups where try await page.post("join", "group=\(group)") != "wb31" {
            throw ConditionNotMet("joined \(group)")
        }
        return page
    }
}

/// What the server logged.
final class LogLines: Sendable {
    private let lines = Lock<[String]>([])

    func append(_ line: String) { lines.withLock { $0.append(line) } }

    /// All lines, without the time.
    var texts: [String] {
        lines.withLock { $0 }.map { $0.replacing(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [AP]M/, with: "T") }
    }
}

/// Runs `body` with a Watchbox server.
func withWatchbox(
    _ setup: LoopSetup = LoopSetup(.epoll, loops: 1),
    configure: (inout WatchboxConfiguration) -> Void = { _ in },
    broker change: (inout BrokerConfiguration) -> Void = { _ in },
    server: (inout HTTPServerConfiguration) -> Void = { _ in },
    routes: (Broker, inout Router) -> Void = { _, _ in },
    _ body: (RunningWatchbox) async throws -> Void
) async throws {
    var settings = BrokerConfiguration(io: setup.backend.choice, loops: setup.loops)
    settings.drainTimeout = .seconds(5)
    change(&settings)
    var logger = Logger(label: "belfry.test")
    logger.logLevel = .critical
    let broker = try Broker(configuration: settings, logger: logger)
    let clientLog = FileManager.default.temporaryDirectory
        .appendingPathComponent("belfry-watchbox-\(UUID().uuidString.prefix(8)).log")
    defer { for end in ["", ".1"] { try? FileManager.default.removeItem(atPath: clientLog.path + end) } }
    let lines = LogLines()
    var configuration = WatchboxConfiguration()
    configuration.log = { lines.append($0) }
    configuration.clientLogPath = clientLog.path
    configure(&configuration)
    let watchbox = Watchbox(broker: broker, configuration: configuration)
    var router = Router()
    watchbox.addRoutes(to: &router)
    routes(broker, &router)
    var http = HTTPServerConfiguration(address: .loopback(port: 0))
    server(&http)
    let web = HTTPServer(broker: broker, router: router, configuration: http)
    do {
        let address = try await web.start()
        try await body(
            RunningWatchbox(
                broker: broker,
                watchbox: watchbox,
                address: address,
                lines: lines,
                clientLog: clientLog
            )
        )
    } catch {
        await broker.shutDown()
        throw error
    }
    await broker.shutDown()
}
