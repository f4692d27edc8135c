// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryTesting
import BelfryWatchbox
import Foundation
import HTTPTypes
import Logging

/// A Watchbox server that does what a test says, and writes down what it is asked.
actor WatchboxStation {
    /// What a request was, without its cookie.
    struct Asked: Sendable {
        var type: String
        var body: String
        var groups: [String] = []
        var text: String?
        var holds = false

        /// `get a b`, with a star when it may be held.
        var line: String { ([type + (holds ? "*" : "")] + groups).joined(separator: " ") }
    }

    private let backend: BackendKind
    /// Whether it holds questions and answers in batches; an original does not.
    private let holds: Bool
    private var broker: Broker?
    private(set) var port: UInt16 = 0
    private(set) var asked: [Asked] = []
    /// Each client's groups, and what waits there.
    private var clients: [String: [String: [String]]] = [:]
    private var registrations = 0
    private var held: [Parker<Void>] = []
    /// What requests of a type get instead, one after the other: a body, or a number for a status.
    private var instead: [String: [String]] = [:]

    init(_ backend: BackendKind, holds: Bool) {
        self.backend = backend
        self.holds = holds
    }

    /// Listens, the second time on the same port.
    func start() async throws {
        var router = Router()
        router.on(.post, "/:path") { request in
            var response = await self.answer(request)
            // An original always does.
            response.closes = !self.holds
            return response
        }
        var configuration = BrokerConfiguration(io: backend.choice, loops: 1)
        configuration.drainTimeout = .milliseconds(100)
        let broker = try Broker(configuration: configuration, logger: .silent)
        self.broker = broker
        let server = HTTPServer(broker: broker, router: router, configuration: .init(address: .loopback(port: port)))
        port = try await server.start().port ?? 0
    }

    func stop() async {
        await broker?.shutDown()
        broker = nil
    }

    /// Chooses a port, and frees it.
    func reserve() async throws {
        try await start()
        await stop()
    }

    var lines: [String] { asked.map(\.line) }

    func count(_ type: String) -> Int { asked.count { $0.type == type } }

    func isMember(of group: String) -> Bool { clients.values.contains { $0[group] != nil } }

    func answer(_ type: String, with bodies: String...) { instead[type, default: []] += bodies }

    /// Forgets all clients, as after a restart; who waits is told.
    func forget() {
        clients = [:]
        wake()
    }

    func publish(_ texts: [String], to group: String) {
        for id in clients.keys { clients[id]?[group]?.append(contentsOf: texts) }
        wake()
    }

    func waiting(in group: String) -> Int { clients.values.reduce(0) { $0 + ($1[group]?.count ?? 0) } }

    private func wake() {
        for parker in held { parker.unpark() }
        held = []
    }

    // MARK: Answers

    private func answer(_ request: Request) async -> Response {
        let path = request.parameter("path") ?? ""
        var asked = Asked(
            type: String(path.dropFirst(9).dropLast(3)),
            body: String(decoding: request.body, as: UTF8.self)
        )
        var batch = 1
        for field in asked.body.split(separator: "&") {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = Self.decoded(parts[1].replacing("+", with: " "))
            switch parts[0] {
            case "group": asked.groups.append(value)
            case "text": asked.text = Self.decoded(value[...])
            case "wait": asked.holds = true
            case "batch": batch = Int(value) ?? 1
            default: break
            }
        }
        self.asked.append(asked)
        if let next = instead[asked.type]?.first {
            instead[asked.type]?.removeFirst()
            guard let status = Int(next) else { return .text(next) }
            return .text("oh", status: .init(code: status))
        }
        let id = request[.cookie]?.split(separator: "=").last.map(String.init) ?? ""
        if asked.type == "register" { return register(id) }
        guard clients[id] != nil else { return .text("wb41") }
        switch asked.type {
        case "join":
            clients[id]?[asked.groups[0]] = []
            return .text("wb31")
        case "brdcst":
            publish([asked.text ?? ""], to: asked.groups[0])
            return .text("wb21")
        case "server": return .text("wb22")
        case "get":
            guard holds, asked.holds else { return .text(next(id, asked.groups[0])) }
            return .text(await batched(id, asked.groups, batch))
        default: return .text("wb41")
        }
    }

    private func register(_ id: String) -> Response {
        var response = Response.text("wb42")
        if clients[id] == nil {
            registrations += 1
            clients["c\(registrations)"] = [:]
            response.fields[.setCookie] = "__wb.client=c\(registrations); Path=/"
        }
        return response
    }

    private func next(_ id: String, _ group: String) -> String {
        guard let waiting = clients[id]?[group] else { return "wb11" }
        guard !waiting.isEmpty else { return "wb00" }
        return clients[id]?[group]?.removeFirst() ?? ""
    }

    private func batched(_ id: String, _ groups: [String], _ batch: Int) async -> String {
        while !Task.isCancelled {
            guard let mine = clients[id] else { return "wb41" }
            guard groups.allSatisfy({ mine[$0] != nil }) else { return "wb11" }
            var found: [String] = []
            for group in groups {
                while found.count < batch, let text = clients[id]?[group]?.first {
                    clients[id]?[group]?.removeFirst()
                    found.append(#"{"group":"\#(group)","message":\#(text)}"#)
                }
            }
            guard found.isEmpty else { return "[\(found.joined(separator: ","))]" }
            let parker = Parker<Void>()
            held.append(parker)
            _ = await parker.park()
        }
        return "wb00"
    }

    private static func decoded(_ text: some StringProtocol) -> String { text.removingPercentEncoding ?? String(text) }
}

/// Runs `body` with a station that listens, and a client that tries again at once.
func withStation(
    _ backend: BackendKind = .epoll,
    holds: Bool = true,
    starts: Bool = true,
    configure: (inout WatchboxClient.Configuration) -> Void = { _ in },
    _ body: (WatchboxStation, WatchboxClient) async throws -> Void
) async throws {
    let station = WatchboxStation(backend, holds: holds)
    if starts { try await station.start() } else { try await station.reserve() }
    var configuration = WatchboxClient.Configuration()
    configuration.pollInterval = .milliseconds(1)
    configuration.retryInterval = .milliseconds(1)
    configure(&configuration)
    let url = "http://127.0.0.1:\(await station.port)"
    let client = try WatchboxClient(url, configuration: configuration, io: backend.choice, logger: .silent)
    do {
        try await body(station, client)
    } catch {
        await client.close()
        await station.stop()
        throw error
    }
    await client.close()
    await station.stop()
}

/// The next messages' texts; gaps as `gap`.
func take(_ count: Int, from messages: Queue<WatchboxClient.Message>) async throws -> [String] {
    var found: [String] = []
    var iterator = messages.makeAsyncIterator()
    while found.count < count, let delivery = try await iterator.next() {
        switch delivery {
        case .element(let message): found.append(message.text)
        case .gap: found.append("gap")
        }
    }
    return found
}

/// The next events, in a word each.
func takeEvents(_ count: Int, from events: Queue<WatchboxClient.Event>) async throws -> [String] {
    var found: [String] = []
    var iterator = events.makeAsyncIterator()
    while found.count < count, let delivery = try await iterator.next() {
        guard case .element(let event) = delivery else { continue }
        switch event {
        case .registered: found.append("registered")
        case .disconnected(let error): found.append("disconnected \(error.code)")
        case .reconnected: found.append("reconnected")
        case .gap(let group, let lost): found.append("gap \(group) \(lost.map(String.init) ?? "?")")
        case .messageLost(let group, let error): found.append("lost \(group) \(error.code)")
        }
    }
    return found
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
