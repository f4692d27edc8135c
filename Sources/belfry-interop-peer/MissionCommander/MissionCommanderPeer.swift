// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryMissionCommander
import Logging

/// The MissionCommander operations.
actor MissionCommanderPeer: PeerSystem {
    /// What may take seconds: nothing waits for it, so that a client can be asked and stopped meanwhile.
    private static let slow: Set = ["mc.client.connect", "mc.client.disconnect", "mc.server.stop"]

    private let configuration: BrokerConfiguration
    private let logger: Logger
    private let output: PeerOutput
    private var servers: [String: Server] = [:]
    private var clients: [String: Client] = [:]
    /// The last request of each object that others wait behind.
    private var last: [String: Task<Void, Never>] = [:]

    init(broker configuration: BrokerConfiguration, logger: Logger, output: PeerOutput) {
        self.configuration = configuration
        self.logger = logger
        self.output = output
    }

    // MARK: Order

    func last(of request: PeerRequest) -> Task<Void, Never>? { last[request.name] }

    func note(_ task: Task<Void, Never>, for request: PeerRequest) {
        if !Self.slow.contains(request.op) { last[request.name] = task }
    }

    // MARK: Operations

    func perform(_ request: PeerRequest) async throws -> JSON {
        do {
            return try await dispatch(request)
        } catch let error as MissionCommanderError {
            throw PeerError(error.message)
        }
    }

    private func dispatch(_ request: PeerRequest) async throws -> JSON {
        switch request.op {
        case "mc.generate_id": return .string(Client.generateID())
        case "mc.state_name": return try stateName(request)
        case "mc.server.open": return try await openServer(request)
        case "mc.client.open": return try await openClient(request)
        case let op where op.hasPrefix("mc.server."):
            guard let server = servers[request.name] else { throw PeerError("no server is named '\(request.name)'") }
            return try await perform(request, on: server)
        case let op where op.hasPrefix("mc.client."):
            guard let client = clients[request.name] else { throw PeerError("no client is named '\(request.name)'") }
            return try await perform(request, on: client)
        default: throw PeerError("unknown op '\(request.op)'")
        }
    }

    private func stateName(_ request: PeerRequest) throws -> JSON {
        guard case .integer(let state) = request.value("state"), let state = Int(exactly: state) else {
            throw PeerError("mc.state_name: 'state' must be a number")
        }
        return ClientState.name(of: state).map { .string($0) } ?? .null
    }

    // MARK: Servers

    private func openServer(_ request: PeerRequest) async throws -> JSON {
        // A broker of its own: the rooms of two servers are not the same.
        let server = Server(broker: try Broker(configuration: configuration, logger: logger))
        for property in [Server.Property.interface, .port] where request.value(property.rawValue) != .null {
            try await server.set(property, to: PropertyValue(request.value(property.rawValue)))
        }
        servers[request.name] = server
        return .null
    }

    private func perform(_ request: PeerRequest, on server: Server) async throws -> JSON {
        switch request.op {
        case "mc.server.start":
            try await server.start()
            return .bool(true)
        case "mc.server.stop":
            try await server.stop()
            return .bool(true)
        case "mc.server.status": return .string(await server.status)
        case "mc.server.send":
            let to = try request.text("to")
            let message = try Message(subject: request.text("subject"), payload: request.source("payload"))
            return .bool(try await server.send(to: to == "*" ? .all : .id(to), message))
        default: throw PeerError("unknown op '\(request.op)'")
        }
    }

    // MARK: Clients

    private func openClient(_ request: PeerRequest) async throws -> JSON {
        // Byte for byte as the original, whose peers this program is to meet.
        var clientConfiguration = Client.Configuration()
        clientConfiguration.resumes = false
        let client = try Client(io: configuration.io, configuration: clientConfiguration, logger: logger)
        for property in [Client.Property.attemptReconnect, .address, .port, .clientID, .interface, .bindPort]
        where request.value(property.rawValue) != .null {
            try await client.set(property, to: PropertyValue(request.value(property.rawValue)))
        }
        clients[request.name] = client
        return .null
    }

    private func perform(_ request: PeerRequest, on client: Client) async throws -> JSON {
        switch request.op {
        case "mc.client.set":
            try await client.set(property(request), to: PropertyValue(request.value("value")))
            return .null
        case "mc.client.get": return JSON(await client.get(try property(request)))
        case "mc.client.subscribe":
            let (name, output) = (request.name, self.output)
            try await client.subscribe(request.text("verb")) { (event: ClientEvent) in
                await output.event(event, of: name)
            }
            return .null
        case "mc.client.connect": return .bool(try await client.connect())
        case "mc.client.disconnect": return .bool(try await client.disconnect())
        case "mc.client.state": return .integer(Int64(await client.state.rawValue))
        default: throw PeerError("unknown op '\(request.op)'")
        }
    }

    private func property(_ request: PeerRequest) throws -> Client.Property {
        let key = try request.text("key")
        guard let property = Client.Property(rawValue: key) else { throw PeerError("unknown key '\(key)'") }
        return property
    }
}
