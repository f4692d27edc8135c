// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import BelfryIO
import Metrics

/// An HTTP/1.1 server on a broker.
///
///     var router = Router()
///     router.on(.get, "/hello") { _ in .text("Hello!") }
///     let server = HTTPServer(broker: broker, router: router)
///     let address = try await server.start()
public actor HTTPServer: LoopBound {
    /// The broker's first loop.
    public nonisolated let loop: EventLoop
    private nonisolated let broker: Broker
    private let shared: HTTPShared
    private var listener: UInt64?
    /// Where it listens; nil unless started.
    public private(set) var address: SocketAddress?

    /// Makes a server; it listens after ``start()``.
    ///
    /// - Parameters:
    ///   - broker: Whose loops it runs on; it stops with it.
    ///   - router: Who answers.
    ///   - configuration: Every default is stated at ``HTTPServerConfiguration``.
    ///   - readiness: Ends when the server drains; for `/readyz`.
    public init(
        broker: Broker,
        router: Router,
        configuration: HTTPServerConfiguration = .init(),
        readiness: Readiness = Readiness()
    ) {
        self.broker = broker
        loop = broker.loop
        shared = HTTPShared(
            configuration: configuration,
            router: router,
            readiness: readiness,
            number: broker.shared.uniqueNumber(),
            logger: broker.shared.logger,
            counters: HTTPCounters(factory: broker.configuration.metrics ?? MetricsSystem.factory)
        )
    }

    /// What `/readyz` asks: end it some time before ``close()`` where a load balancer has to notice first.
    public nonisolated var readiness: Readiness { shared.readiness }

    /// Listens.
    ///
    /// Returns the address, with the port that the kernel chose for port 0.
    ///
    /// - Throws: `BelfryError` `.startFailed`, as when the port is taken.
    @discardableResult
    public func start() async throws(BelfryError) -> SocketAddress {
        if let address { return address }
        let bound = try await broker.listen(on: shared.configuration.address, frontEnd: shared)
        listener = bound.number
        shared.readiness.begin()
        address = bound.address
        return bound.address
    }

    /// Stops listening; requests under way are answered, then their connections are closed, idle ones at once.
    ///
    /// Connections that were upgraded say goodbye in their own protocol. ``start()`` may be called again.
    public func close() async {
        guard let number = listener else { return }
        listener = nil
        address = nil
        shared.readiness.end()
        await broker.stopListening(number)
        await broker.shared.forEachConnection(of: shared.name) { $0.handler?.drain() }
    }
}
