// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryNucosMQ
import Logging

/// The nucosMQ operations of everything that is no server: clients, links and clients by datagrams.
actor NucosPeerEnds {
    private let io: IOChoice
    private let logger: Logger
    private let output: PeerOutput
    private var clients: [String: NucosClient] = [:]
    private var links: [String: NucosLink] = [:]
    private var datagrams: [String: NucosClientUDP] = [:]

    init(io: IOChoice, logger: Logger, output: PeerOutput) {
        self.io = io
        self.logger = logger
        self.output = output
    }

    func perform(_ request: PeerRequest) async throws -> JSON {
        let name = request.name
        switch request.op {
        case "nq.client.open":
            try open(request)
            return .null
        case "nq.link.open":
            links[name] = NucosLink(io: io, logger: logger)
            return .null
        case "nq.udp.open":
            datagrams[name] = try NucosClientUDP(
                host: request.text("ip"),
                port: request.port(),
                io: io,
                logger: logger
            )
            return .null
        default:
            break
        }
        if request.op.hasPrefix("nq.client.") {
            guard let client = clients[name] else { throw PeerError("no client is named '\(name)'") }
            return try await perform(request, on: client)
        }
        if request.op.hasPrefix("nq.link.") {
            guard let link = links[name] else { throw PeerError("no link is named '\(name)'") }
            return try await perform(request, on: link)
        }
        if request.op.hasPrefix("nq.udp.") {
            guard let client = datagrams[name] else { throw PeerError("no UDP client is named '\(name)'") }
            return try await perform(request, on: client)
        }
        throw PeerError("unknown op '\(request.op)'")
    }

    private func open(_ request: PeerRequest) throws {
        var signer: NucosClient.Signer?
        if request.value("signature") != .null {
            let signature = try request.payload("signature")
            signer = { _ in signature }
        }
        clients[request.name] = try NucosClient(
            host: request.text("ip"),
            port: request.port(),
            uid: request.value("uid") == .null ? "" : request.text("uid"),
            io: io,
            logger: logger,
            onChallenge: signer
        )
    }

    /// Tells of what a registration heard.
    private func teller(_ kind: String, _ name: String, _ on: String) -> @Sendable (Payload) async -> Void {
        let output = output
        return { await output.event(kind, name: name, on: on, content: $0) }
    }

    private func perform(_ request: PeerRequest, on client: NucosClient) async throws -> JSON {
        let name = request.name
        switch request.op {
        case "nq.client.start":
            if let timeout = try request.seconds("timeout") {
                try await client.start(timeout: timeout)
            } else {
                try await client.start()
            }
            return .null
        case "nq.client.close":
            await client.close()
            return .null
        case "nq.client.on":
            let event = try request.text("event")
            await client.on(event: event, teller("nq.client", name, "event:\(event)"))
            return .null
        case "nq.client.on_room":
            let room = try request.text("room")
            await client.on(room: room, teller("nq.client", name, "room:\(room)"))
            return .null
        case "nq.client.on_room_event":
            let (room, event) = (try request.text("room"), try request.text("event"))
            await client.on(room: room, event: event, teller("nq.client", name, "roomevent:\(room)/\(event)"))
            return .null
        case "nq.client.send":
            let (event, content) = (try request.text("event"), try request.payload("content"))
            return .bool(await client.send(event: event, content: content).isAccepted)
        case "nq.client.publish":
            let (room, event) = (try request.text("room"), try request.text("event"))
            let content = try request.payload("content")
            return .bool(await client.publish(room: room, event: event, content: content).isAccepted)
        case "nq.client.subscripe", "nq.client.subscribe":
            await client.subscribe(try request.text("room"))
            return .null
        case "nq.client.ping": return .bool(await client.ping())
        case "nq.client.is_connected": return .bool(await client.isConnected)
        default: throw PeerError("unknown op '\(request.op)'")
        }
    }

    private func perform(_ request: PeerRequest, on link: NucosLink) async throws -> JSON {
        switch request.op {
        case "nq.link.bind": return .bool(await link.bind(host: try request.text("ip"), port: try request.port()))
        case "nq.link.connect": return .bool(await link.connect(host: try request.text("ip"), port: try request.port()))
        case "nq.link.on":
            let event = try request.text("event")
            await link.on(event: event, teller("nq.link", request.name, "event:\(event)"))
            return .null
        case "nq.link.send":
            let (event, content) = (try request.text("event"), try request.payload("content"))
            return .bool(await link.send(event: event, content: content))
        case "nq.link.ping": return .bool(await link.ping())
        case "nq.link.is_connected": return .bool(await link.isConnected)
        case "nq.link.status": return await link.status.map { .string($0.rawValue) } ?? .null
        case "nq.link.close":
            await link.close()
            return .null
        default: throw PeerError("unknown op '\(request.op)'")
        }
    }

    private func perform(_ request: PeerRequest, on client: NucosClientUDP) async throws -> JSON {
        switch request.op {
        case "nq.udp.start":
            try await client.start()
            return .null
        case "nq.udp.send":
            let (event, content) = (try request.text("event"), try request.payload("content"))
            return .bool(await client.send(event: event, content: content))
        case "nq.udp.is_connected": return .bool(await client.isConnected)
        case "nq.udp.close":
            await client.close()
            return .null
        default: throw PeerError("unknown op '\(request.op)'")
        }
    }
}

extension PeerRequest {
    /// A time in seconds; nil when absent.
    func seconds(_ key: String) throws -> Duration? {
        switch value(key) {
        case .null: return nil
        case .integer(let seconds): return .seconds(seconds)
        case .number(let seconds) where abs(seconds) < 1e9: return .seconds(seconds)
        default: throw PeerError("\(op): '\(key)' must be a number of seconds")
        }
    }
}
