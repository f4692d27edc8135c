// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import BelfryIO
import HTTPTypes

extension Router {
    /// Adds what operators ask for: `/healthz` (200 while the process lives), `/readyz` (503 once it drains) and, with a
    /// registry, `/metrics` in Prometheus's text format.
    ///
    /// While the broker's history is degraded `/readyz` says so and why, still with 200: live messages are served, and
    /// clients that were sent elsewhere would not find their rooms.
    public mutating func addOperations(broker: Broker, readiness: Readiness, metrics: PrometheusMetrics?) {
        let alive = "ok\nio: \(broker.selection.backend)\nloops: \(broker.loopCount)\n"
        let store = broker.configuration.store
        onLoop(.get, "/healthz") { _ in Self.unstored(.text(alive)) }
        onLoop(.get, "/readyz") { _ in
            guard readiness.isReady else {
                return Self.unstored(.text("draining\n", status: .serviceUnavailable))
            }
            let degradation = store?.status.degradation
            return Self.unstored(.text(degradation.map { "degraded\nhistory: \($0)\n" } ?? "ready\n"))
        }
        guard let metrics else { return }
        onLoop(.get, "/metrics") { _ in
            Self.unstored(.bytes(Array(metrics.text.utf8), type: "text/plain; version=0.0.4; charset=utf-8"))
        }
    }

    private static func unstored(_ response: Response) -> Response {
        var response = response
        response.fields[.cacheControl] = "no-store"
        return response
    }
}

extension HTTPServer {
    /// The broker's web front-end: what operators ask for, and what `addRoutes` adds.
    ///
    ///     let web = HTTPServer.web(broker: broker, address: address, metrics: metrics) { router in
    ///         router.resources(pages)
    ///     }
    ///     try await web.start()
    ///
    /// - Parameters:
    ///   - broker: The broker; for its figures to be shown, its configuration has the same `metrics`.
    ///   - address: Where it listens; 127.0.0.1:8001 by default.
    ///   - metrics: What `/metrics` shows; nil leaves it out.
    ///   - addRoutes: Adds pages and upgrades.
    public static func web(
        broker: Broker,
        address: SocketAddress = .loopback(port: 8_001),
        metrics: PrometheusMetrics? = nil,
        _ addRoutes: (inout Router) -> Void = { _ in }
    ) -> HTTPServer {
        let readiness = Readiness()
        var router = Router()
        router.addOperations(broker: broker, readiness: readiness, metrics: metrics)
        addRoutes(&router)
        return HTTPServer(
            broker: broker,
            router: router,
            configuration: HTTPServerConfiguration(address: address),
            readiness: readiness
        )
    }
}
