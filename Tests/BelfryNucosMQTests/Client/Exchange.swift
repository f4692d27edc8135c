// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryNucosMQ
import BelfryTesting
import Logging

/// A server of the library and its clients, on one backend.
struct Exchange: Sendable {
    let broker: Broker
    let server: NucosServer
    let address: SocketAddress
    let backend: BackendKind

    /// A client that is not started.
    func client(
        _ uid: String = "",
        configuration: NucosClientConfiguration = .init(),
        signature: Payload? = .jsonString("secret")
    ) throws -> NucosClient {
        var signer: NucosClient.Signer?
        if let signature { signer = { _ in signature } }
        return try NucosClient(
            host: "127.0.0.1",
            port: address.port ?? 0,
            uid: uid,
            configuration: configuration,
            io: backend.choice,
            logger: .silent,
            onChallenge: uid.isEmpty ? nil : signer
        )
    }

    /// A started client whose messages may leave.
    func started(_ uid: String = "", configuration: NucosClientConfiguration = .init()) async throws -> NucosClient {
        let client = try client(uid, configuration: configuration)
        try await client.start()
        guard await client.ready() else { throw ConditionNotMet("the handshake of '\(uid)'") }
        return client
    }

    /// Joins rooms, and knows it: the answer to a ping comes behind.
    func join(_ client: NucosClient, _ rooms: String...) async throws {
        for room in rooms { await client.subscribe(room) }
        guard await client.ping() else { throw ConditionNotMet("an answer to a ping") }
        for room in rooms {
            let held = try await broker.room(room)
            try await eventually("a member of \(room)") { await held.memberCount > 0 }
        }
    }
}

/// Lets in who signs with `secret`.
struct SecretAuthenticator: NucosAuthenticator {
    func challenge(for uid: String) async throws -> Payload { .json(#"{"nonce": "n-1", "for": "\#(uid)"}"#) }

    func verify(uid: String, signature: Payload, challenge: Payload) async throws -> Bool {
        signature.jsonString == "secret"
    }
}

/// Runs `body` with a server that listens, and shuts its broker down after it, whatever happens.
func withExchange(
    _ backend: BackendKind,
    authenticates: Bool = false,
    configure: (inout NucosServerConfiguration) -> Void = { _ in },
    _ body: (Exchange) async throws -> Void
) async throws {
    var setup = BrokerConfiguration(io: backend.choice, loops: 1)
    setup.drainTimeout = .seconds(1)
    let broker = try Broker(configuration: setup, logger: .silent)
    var configuration = NucosServerConfiguration(
        address: .loopback(port: 0),
        authenticator: authenticates ? SecretAuthenticator() : nil
    )
    configure(&configuration)
    let server = NucosServer(broker: broker, configuration: configuration)
    do {
        let address = try await server.start()
        try await body(Exchange(broker: broker, server: server, address: address, backend: backend))
    } catch {
        await broker.shutDown()
        throw error
    }
    await broker.shutDown()
}

/// Texts in the order in which callbacks brought them.
actor Notes {
    private(set) var all: [String] = []

    func add(_ note: String) { all.append(note) }

    func wait(for count: Int) async throws {
        try await eventually("\(count) notes") { self.all.count >= count }
    }
}

/// The next elements of a queue, as texts; gaps as `gap`.
func take(_ count: Int, from queue: Queue<NucosMessage>) async throws -> [String] {
    var found: [String] = []
    var iterator = queue.makeAsyncIterator()
    while found.count < count, let delivery = try await iterator.next() {
        switch delivery {
        case .element(let message): found.append(message.content.text)
        case .gap: found.append("gap")
        }
    }
    return found
}
