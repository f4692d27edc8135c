// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryIO
import BelfryMissionCommander
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

    @Option(
        help: """
            Where MissionCommander clients connect: HOST:PORT, DEVICE:PORT or *:PORT; port 0 chooses one. They are in \
            the room missioncommander, and what they send is published there.
            """
    )
    var missioncommander = "127.0.0.1:30000"

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
        } catch let error as MissionCommanderError {
            throw CleanExit.failure(error.message)
        }
    }

    func validate() throws {
        guard InterfaceAndPort(missioncommander) != nil else {
            throw ValidationError("--missioncommander takes HOST:PORT, as in 127.0.0.1:30000.")
        }
    }

    private func serve(_ logger: Logger) async throws {
        let address = try await Self.address(nucosmq)
        let broker = try Broker(configuration: engine.configuration(), logger: logger)
        let bound: Addresses
        // Held until the end: a server lives as long as somebody holds it.
        let servers = Servers(broker, nucosmq: address, missioncommander: InterfaceAndPort(missioncommander))
        do {
            bound = try await servers.start()
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
        withExtendedLifetime(servers) {}
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

    private func banner(_ broker: Broker, _ bound: Addresses) -> String {
        let selection = broker.selection
        let loops = broker.loopCount
        return """
            belfry \(BelfryVersion.text), \(selection.backend) (\(selection.reason)), \(loops) loop\(loops == 1 ? "" : "s")
            nucosMQ on \(bound.nucosmq)
            Try it: \(TryLine.nucosmq(bound.nucosmq))
            MissionCommander on \(bound.missioncommander)
            Try it: \(TryLine.missioncommander(bound.missioncommander))
            """
    }
}

/// Where the servers listen.
struct Addresses {
    let nucosmq: SocketAddress
    let missioncommander: SocketAddress
}

/// The servers of all front-ends.
struct Servers {
    private let nucosmq: NucosServer
    private let missioncommander: BelfryMissionCommander.Server

    init(_ broker: Broker, nucosmq address: SocketAddress, missioncommander place: InterfaceAndPort?) {
        nucosmq = NucosServer(broker: broker, configuration: .init(address: address))
        var configuration = BelfryMissionCommander.Server.Configuration()
        configuration.publishesClientMessages = true
        missioncommander = Server(
            broker: broker,
            interface: place?.interface,
            port: place?.port,
            configuration: configuration
        )
    }

    func start() async throws -> Addresses {
        let first = try await nucosmq.start()
        guard let second = try await missioncommander.start() else {
            throw MissionCommanderError(.startFailed, "MissionCommander does not listen")
        }
        return Addresses(nucosmq: first, missioncommander: second)
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
