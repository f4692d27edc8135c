// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryMissionCommander
import BelfryNucosMQ
import BelfryPocketsocket
import BelfryWatchbox

/// The servers of all front-ends.
struct Servers {
    private let nucosmq: NucosServer
    private let missioncommander: BelfryMissionCommander.Server
    private let web: HTTPServer

    init(
        _ broker: Broker,
        nucosmq address: SocketAddress,
        missioncommander place: InterfaceAndPort?,
        web webAddress: SocketAddress,
        origins: WebSocketOrigins?,
        metrics: PrometheusMetrics
    ) {
        nucosmq = NucosServer(broker: broker, configuration: .init(address: address))
        var configuration = BelfryMissionCommander.Server.Configuration()
        configuration.publishesClientMessages = true
        missioncommander = Server(
            broker: broker,
            interface: place?.interface,
            port: place?.port,
            configuration: configuration
        )
        var pocketsocket = PocketsocketConfiguration()
        if let origins { pocketsocket.webSocket.origins = origins }
        let server = PocketsocketServer(broker: broker, configuration: pocketsocket)
        var settings = WatchboxConfiguration()
        if let origins { settings.origins = origins }
        let watchbox = Watchbox(broker: broker, configuration: settings)
        web = HTTPServer.web(broker: broker, address: webAddress, metrics: metrics) {
            server.addRoutes(to: &$0)
            watchbox.addRoutes(to: &$0)
        }
    }

    func start() async throws -> Addresses {
        let first = try await nucosmq.start()
        guard let second = try await missioncommander.start() else {
            throw MissionCommanderError(.startFailed, "MissionCommander does not listen")
        }
        return try await Addresses(nucosmq: first, missioncommander: second, web: web.start())
    }
}

/// Where the servers listen.
struct Addresses {
    let nucosmq: SocketAddress
    let missioncommander: SocketAddress
    let web: SocketAddress

    /// What `belfry serve` says once it serves.
    func banner(_ broker: Broker) -> String {
        let selection = broker.selection
        let loops = broker.loopCount
        return """
            belfry \(BelfryVersion.text), \(selection.backend) (\(selection.reason)), \(loops) loop\(loops == 1 ? "" : "s")
            nucosMQ on \(nucosmq)
            Try it: \(TryLine.nucosmq(nucosmq))
            MissionCommander on \(missioncommander)
            Try it: \(TryLine.missioncommander(missioncommander))
            Pocketsocket and the web on \(web)
            Try it: \(TryLine.web(web))
            """
    }
}

extension SocketAddress {
    /// The first address of what a person wrote; a name may have several.
    init(resolving text: String) async throws(IOError) {
        let addresses = try await NameResolver.shared.resolve(Endpoint(parsing: text))
        guard let first = addresses.first else { throw IOError(.nameNotResolved, "\(text) has no address") }
        self = first
    }
}

extension WebSocketOrigins {
    /// Reads `--origin`; nil without.
    init?(commandLine words: [String]) {
        guard !words.isEmpty else { return nil }
        self = words.contains("any") ? .any : .listed(words)
    }
}
