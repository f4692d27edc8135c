// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryTesting
import Logging

/// A running HTTP server.
struct RunningServer {
    let broker: Broker
    let server: HTTPServer
    let address: SocketAddress
    let metrics: PrometheusMetrics

    func connect() async throws -> HTTPClient { HTTPClient(try await TestClient(to: address)) }

    /// Sends bytes on a connection of its own; what came back until its end.
    func exchange(_ request: String) async throws -> [HTTPAnswer] {
        let client = try await connect()
        try await client.send(request)
        return await client.remaining()
    }
}

/// Runs `body` with an HTTP server on a broker, and shuts both down after it.
func withHTTPServer(
    _ backend: BackendKind = .epoll,
    configure: (inout HTTPServerConfiguration) -> Void = { _ in },
    routes: (inout Router) -> Void,
    _ body: (RunningServer) async throws -> Void
) async throws {
    let metrics = PrometheusMetrics()
    var configuration = BrokerConfiguration(io: backend.choice, loops: 1)
    configuration.drainTimeout = .seconds(2)
    configuration.metrics = metrics
    var logger = Logger(label: "belfry.test")
    logger.logLevel = .critical
    let broker = try Broker(configuration: configuration, logger: logger)
    var settings = HTTPServerConfiguration(address: .loopback(port: 0))
    configure(&settings)
    let readiness = Readiness()
    var router = Router()
    router.addOperations(broker: broker, readiness: readiness, metrics: metrics)
    routes(&router)
    let server = HTTPServer(broker: broker, router: router, configuration: settings, readiness: readiness)
    do {
        let address = try await server.start()
        try await body(RunningServer(broker: broker, server: server, address: address, metrics: metrics))
    } catch {
        await broker.shutDown()
        throw error
    }
    await broker.shutDown()
}

/// A response as a raw client reads it; bodies are whole lines here.
struct HTTPAnswer: Equatable {
    var status = 0
    var fields: [String: String] = [:]
    var body = ""
}

/// A client that writes bytes and reads responses.
struct HTTPClient {
    let raw: TestClient

    init(_ raw: TestClient) { self.raw = raw }

    func send(_ text: String) async throws { try await raw.send(Array(text.utf8)) }

    /// The next response; nil when the connection ends before it.
    func answer(toHead: Bool = false) async -> HTTPAnswer? {
        guard let first = await line(), first.hasPrefix("HTTP/1.1 ") else { return nil }
        var answer = HTTPAnswer(status: Int(first.split(separator: " ")[1]) ?? 0)
        while let line = await line(), !line.isEmpty {
            let parts = line.split(separator: ":", maxSplits: 1)
            answer.fields[parts[0].lowercased()] = parts[1].trimmingPrefix(" ").description
        }
        guard !toHead, answer.status != 204, answer.status != 304, answer.status >= 200 else { return answer }
        if answer.fields["transfer-encoding"] == "chunked" {
            while let size = await line(), let count = Int(size, radix: 16) {
                answer.body += count > 0 ? await text(count) : ""
                _ = await line()
                if count == 0 { break }
            }
        } else if let length = answer.fields["content-length"].flatMap({ Int($0) }) {
            answer.body = await text(length)
        } else {
            answer.body = await raw.remainingLines().map { $0 + "\n" }.joined()
        }
        return answer
    }

    /// All responses until the connection ends.
    func remaining() async -> [HTTPAnswer] {
        var answers: [HTTPAnswer] = []
        while let answer = await answer() { answers.append(answer) }
        return answers
    }

    private func line() async -> String? {
        guard let line = await raw.line() else { return nil }
        return line.utf8.last == 13 ? String(decoding: line.utf8.dropLast(), as: UTF8.self) : line
    }

    /// Whole lines of so many bytes.
    private func text(_ count: Int) async -> String {
        var text = ""
        var bytes = 0
        while bytes < count, let line = await raw.line() {
            text += line + "\n"
            bytes += line.utf8.count + 1
        }
        return text
    }
}
