// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryIO
import BelfryNucosMQ
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

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

    @Option(help: "How much is logged: trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .notice

    func run() async throws {
        var logger = Logger(label: "belfry") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = logLevel
        do {
            try await serve(logger)
        } catch let error as BelfryError {
            throw CleanExit.failure(error.message)
        } catch let error as IOError {
            throw CleanExit.failure(error.message)
        }
    }

    private func serve(_ logger: Logger) async throws {
        let address = try await Self.address(nucosmq)
        let broker = try Broker(configuration: engine.configuration(), logger: logger)
        let server = NucosServer(broker: broker, configuration: .init(address: address))
        let bound: SocketAddress
        do {
            bound = try await server.start()
        } catch {
            await broker.shutDown()
            throw error
        }
        // Caught before anybody hears of the port: who starts a server may want to stop it at once.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        // Not print: a pipe would keep it back, and whoever waits for the port reads a pipe.
        FileHandle.standardOutput.write(Data((banner(broker, bound) + "\n").utf8))
        let group = ServiceGroup(configuration: .init(services: [.init(service: broker)], logger: logger))
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask { await Self.stop(group, on: signals, logger) }
            try await tasks.next()
            tasks.cancelAll()
        }
    }

    /// The first signal drains, the second ends the program as it is.
    private static func stop(_ group: ServiceGroup, on signals: UnixSignalsSequence, _ logger: Logger) async {
        var isDraining = false
        for await signal in signals {
            if isDraining { exit(withError: ExitCode(128 + signal.rawValue)) }
            isDraining = true
            logger.notice("Stopping; a second signal ends at once.", metadata: ["signal": "\(signal)"])
            await group.triggerGracefulShutdown()
        }
    }

    /// The first address of what a person wrote; a name may have several.
    private static func address(_ text: String) async throws -> SocketAddress {
        let addresses = try await NameResolver.shared.resolve(Endpoint(parsing: text))
        guard let first = addresses.first else { throw IOError(.nameNotResolved, "\(text) has no address") }
        return first
    }

    private func banner(_ broker: Broker, _ nucosmq: SocketAddress) -> String {
        let selection = broker.selection
        let loops = broker.loopCount
        return """
            belfry \(BelfryVersion.text), \(selection.backend) (\(selection.reason)), \(loops) loop\(loops == 1 ? "" : "s")
            nucosMQ on \(nucosmq)
            Try it: \(TryLine.nucosmq(nucosmq))
            """
    }
}

/// A line to paste that shows the server at work.
enum TryLine {
    /// Joins a room, publishes to it, and prints what comes back.
    static func nucosmq(_ address: SocketAddress) -> String {
        let frames = [
            #"{"data": {"event": "subscripe", "content": "room"}}_EOM_"#,
            #"{"data": {"event": "hello", "content": "world", "room": "room"}}_EOM_"#,
        ].joined()
        switch address {
        case .unix(let path): return "printf '\(frames)' | timeout 1 socat - UNIX-CONNECT:\(path)"
        default:
            let host = address.host == "0.0.0.0" ? "127.0.0.1" : address.host
            let port = address.port ?? 0
            return
                #"bash -c 'exec 3<>/dev/tcp/\#(host)/\#(port); printf %s "$0" >&3; timeout 1 cat <&3' '\#(frames)'; echo"#
        }
    }
}
