// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryMissionCommander
import BelfryTesting
import Logging

/// Runs `body` with a broker and a started server on it, and ends both after it, whatever happens.
func withServer(
    _ setup: LoopSetup = LoopSetup(.epoll, loops: 1),
    configure: (inout Server.Configuration) -> Void = { _ in },
    broker configureBroker: (inout BrokerConfiguration) -> Void = { _ in },
    _ body: (Server, Broker) async throws -> Void
) async throws {
    var configuration = Server.Configuration()
    configuration.stopTimeout = .milliseconds(200)
    configure(&configuration)
    try await withPlainBroker(setup, configure: configureBroker) { broker in
        let server = Server(broker: broker, interface: "127.0.0.1", port: 0, configuration: configuration)
        try await server.start()
        do {
            try await body(server, broker)
        } catch {
            try? await server.stop()
            throw error
        }
        try await server.stop()
    }
}

/// Runs `body` with a broker alone.
func withPlainBroker(
    _ setup: LoopSetup = LoopSetup(.epoll, loops: 1),
    configure: (inout BrokerConfiguration) -> Void = { _ in },
    _ body: (Broker) async throws -> Void
) async throws {
    var configuration = BrokerConfiguration(io: setup.backend.choice, loops: setup.loops)
    configuration.drainTimeout = .seconds(1)
    configure(&configuration)
    var logger = Logger(label: "missioncommander.test")
    logger.logLevel = .critical
    let broker = try Broker(configuration: configuration, logger: logger)
    do {
        try await body(broker)
    } catch {
        await broker.shutDown()
        throw error
    }
    await broker.shutDown()
}

extension Server {
    /// Connects a client and waits until it is in.
    func join(_ id: String) async throws -> RawPeer {
        let peer = try await RawPeer(id, to: address)
        try await eventually("\(id) is in") { knownIDs[id] == true }
        return peer
    }

    /// Waits until a client is known to be away.
    func untilAway(_ id: String) async throws {
        try await eventually("\(id) is away") { knownIDs[id] == false && statistics.away > 0 }
    }

    /// Sends a message whose body is `{"n": number}`.
    @discardableResult
    func send(_ number: Int, to recipient: Recipient, as subject: String = "n") async throws -> Bool {
        try await send(to: recipient, Message(subject: subject, payload: .json(#"{"n": \#(number)}"#)))
    }
}

extension SeenFrame {
    /// What `Server.send(_:to:as:)` makes.
    static func number(_ number: Int, as subject: String = "n") -> SeenFrame {
        .frame(subject: subject, value: #"{"n": \#(number)}"#)
    }

    static let shutdown = SeenFrame.frame(subject: "shutdown", value: "{}")
}
