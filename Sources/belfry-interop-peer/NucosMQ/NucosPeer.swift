// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryNucosMQ
import Logging

/// The nucosMQ operations.
actor NucosPeer: PeerSystem {
    private let configuration: BrokerConfiguration
    private let logger: Logger
    private let output: PeerOutput
    private var servers: [String: NucosServer] = [:]
    private lazy var ends = NucosPeerEnds(io: configuration.io, logger: logger, output: output)
    /// The last request of each object that others wait behind.
    private var last: [String: Task<Void, Never>] = [:]
    /// The last one behind which even those wait that may overtake others.
    private var lastStep: [String: Task<Void, Never>] = [:]

    init(broker configuration: BrokerConfiguration, logger: Logger, output: PeerOutput) {
        self.configuration = configuration
        self.logger = logger
        self.output = output
    }

    // MARK: Order

    /// What a request has to wait for: the one before it on the same object.
    ///
    /// A ping waits for it, but nothing waits for a ping; and of what a link sends, which may wait for a partner, only
    /// what it sends next.
    func last(of request: PeerRequest) -> Task<Void, Never>? {
        let isLink = request.op.hasPrefix("nq.link.") && !request.op.hasSuffix(".send")
        return isLink ? lastStep[Self.key(request)] : last[Self.key(request)]
    }

    func note(_ task: Task<Void, Never>, for request: PeerRequest) {
        guard !request.op.hasSuffix(".ping") else { return }
        last[Self.key(request)] = task
        if !request.op.hasSuffix(".send") { lastStep[Self.key(request)] = task }
    }

    /// Objects of different kinds may have one name.
    private static func key(_ request: PeerRequest) -> String {
        request.op.split(separator: ".").prefix(2).joined(separator: ".") + " " + request.name
    }

    // MARK: Operations

    func perform(_ request: PeerRequest) async throws -> JSON {
        guard request.op.hasPrefix("nq.server.") else { return try await ends.perform(request) }
        if request.op == "nq.server.open" { return try open(request) }
        guard let server = servers[request.name] else { throw PeerError("no server is named '\(request.name)'") }
        return try await perform(request, on: server)
    }

    private func open(_ request: PeerRequest) throws -> JSON {
        let (ip, port) = (try request.text("ip"), try request.port())
        guard let address = SocketAddress(numericHost: ip, port: port) else {
            throw PeerError("nq.server.open: '\(ip)' is no address")
        }
        var server = NucosServerConfiguration(address: address)
        server.singleServer = try request.flag("single")
        server.udp = try request.flag("udp")
        if try request.flag("auth") {
            server.authenticator = PeerAuthenticator(
                challenge: try request.payload("challenge"),
                signature: request.value("signature")
            )
        }
        // A broker of its own: the rooms of two servers are not the same.
        let broker = try Broker(configuration: configuration, logger: logger)
        servers[request.name] = NucosServer(broker: broker, configuration: server)
        return .null
    }

    private func perform(_ request: PeerRequest, on server: NucosServer) async throws -> JSON {
        switch request.op {
        case "nq.server.start":
            try await server.start()
            return .null
        case "nq.server.close":
            await server.close()
            return .null
        case "nq.server.on":
            let (event, name, output) = (try request.text("event"), request.name, self.output)
            await server.on(event: event) {
                await output.event("nq.server", name: name, on: "event:\(event)", content: $0)
            }
            return .null
        case "nq.server.publish":
            try await server.publish(
                room: request.text("room"),
                event: request.text("event"),
                content: request.payload("content")
            )
            return .null
        case "nq.server.send_all":
            try await server.sendAll(event: request.text("event"), content: request.payload("content"))
            return .null
        case "nq.server.ping":
            guard let session = try await server.session(uid: request.text("uid")) else { return .bool(false) }
            return .bool(await server.ping(session))
        default:
            throw PeerError("unknown op '\(request.op)'")
        }
    }
}
