// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryPocketsocket
import BelfryTesting
import Logging

/// A server that does what a test says: writes down what clients send, forwards it, and gives receipts.
actor Station {
    /// What it does with a client's text by itself.
    struct Rules: Sendable {
        var forwards = false
        var confirms = false
    }

    private let backend: BackendKind
    private let rules: Rules
    private var broker: Broker?
    private var sockets: [(number: Int, socket: WebSocket)] = []
    private(set) var heard: [String] = []
    /// How many clients came, in all.
    private(set) var visits = 0
    private(set) var port: UInt16 = 0

    init(_ backend: BackendKind, _ rules: Rules = Rules()) {
        self.backend = backend
        self.rules = rules
    }

    /// Listens, the second time on the same port.
    func start() async throws {
        var router = Router()
        router.webSocket("/") { socket in try await self.serve(socket) }
        var configuration = BrokerConfiguration(io: backend.choice, loops: 1)
        configuration.drainTimeout = .seconds(1)
        let broker = try Broker(configuration: configuration, logger: .silent)
        self.broker = broker
        let server = HTTPServer(broker: broker, router: router, configuration: .init(address: .loopback(port: port)))
        port = try await server.start().port ?? 0
    }

    func stop() async {
        await broker?.shutDown()
        broker = nil
    }

    /// The client that came last, which is thrown out without a good word.
    func breakOff() async { await sockets.last?.socket.close(.internalError) }

    /// Says something to all.
    func say(_ texts: String...) async throws {
        for text in texts { for (_, socket) in sockets { try await socket.send(text) } }
    }

    func say(_ bytes: [UInt8]) async throws { for (_, socket) in sockets { try await socket.send(bytes) } }

    var clients: Int { sockets.count }
    /// The ids of the messages that came.
    var ids: [String] { heard.map(Self.id) }
    /// What came behind the ids.
    var rests: [String] { heard.map { String($0.drop { $0 != "," }.dropFirst()) } }

    func waitForClients(_ count: Int) async throws {
        try await eventually("\(count) clients") { self.clients == count }
    }

    func waitForTexts(_ count: Int) async throws {
        try await eventually("\(count) texts") { self.heard.count >= count }
    }

    private func serve(_ socket: WebSocket) async throws {
        visits += 1
        let number = visits
        sockets.append((number, socket))
        defer { sockets.removeAll { $0.number == number } }
        for try await case .text(let text) in socket.messages {
            heard.append(text)
            if rules.confirms { try await socket.send(Self.receipt(of: Self.id(text))) }
            guard rules.forwards else { continue }
            for (other, socket) in sockets where other != number { try await socket.send(text) }
        }
    }

    static func receipt(of id: String) -> String {
        #"{"time": "2026-11-21 09:59:23.539484", "messageId": "\#(id)", "socket": "sent", "attr": "json"}"#
    }

    private static func id(_ text: String) -> String {
        let parts = text.split(separator: "\"", maxSplits: 4)
        return parts.count > 3 ? String(parts[3]) : ""
    }
}

/// Runs `body` with servers that listen, and stops them.
func withStations(
    _ backend: BackendKind,
    _ rules: Station.Rules...,
    body: ([Station]) async throws -> Void
) async throws {
    let stations = (rules.isEmpty ? [Station.Rules()] : rules).map { Station(backend, $0) }
    for station in stations { try await station.start() }
    do {
        try await body(stations)
    } catch {
        for station in stations { await station.stop() }
        throw error
    }
    for station in stations { await station.stop() }
}

/// A client of some servers that comes back at once, and is not connected yet.
func makeClient(
    _ backend: BackendKind,
    _ stations: [Station],
    _ change: (inout PocketsocketClient.Configuration) -> Void = { _ in }
) async throws -> PocketsocketClient {
    var configuration = PocketsocketClient.Configuration()
    configuration.reconnect?.firstPause = .milliseconds(1)
    configuration.reconnect?.maxPause = .milliseconds(5)
    configuration.reconnect?.maxAttempts = nil
    change(&configuration)
    var servers: [PocketsocketClient.Address] = []
    for station in stations { servers.append(try .init(host: "127.0.0.1", port: await station.port)) }
    return try PocketsocketClient(servers: servers, configuration: configuration, io: backend.choice, logger: .silent)
}

/// The next events, as a rule writes them; gaps as `gap`.
func take(
    _ count: Int,
    from events: Queue<PocketsocketClient.Event>,
    _ write: (PocketsocketClient.Event) -> String = { "\($0.name) \($0.data.text)" }
) async throws -> [String] {
    var found: [String] = []
    var iterator = events.makeAsyncIterator()
    while found.count < count, let delivery = try await iterator.next() {
        switch delivery {
        case .element(let event): found.append(write(event))
        case .gap: found.append("gap")
        }
    }
    return found
}

/// Reads until an event of a name has come.
@discardableResult
func skip(
    to name: String,
    in events: Queue<PocketsocketClient.Event>
) async throws -> PocketsocketClient.Event {
    for try await case .element(let event) in events where event.name == name { return event }
    throw ConditionNotMet("the events ended before \(name)")
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
