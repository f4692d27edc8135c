// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Metrics

/// The broker's figures as swift-metrics has them; brought up to date once a second, never per message.
///
/// Loop-confined to the broker's first loop. Counters get what came since the last time.
final class BrokerMetrics {
    private let connections: Gauge
    private let rooms: Gauge
    private let frameLogBytes: Gauge
    private let published: Counter
    private let lost: Counter
    private let slowConsumers: Counter
    private let refused: Counter
    private let receivedBytes: Counter
    private let backend: Gauge
    private let history: HistoryMetrics?
    private var last: BrokerStatistics?

    init(backend: String, store: (any HistoryStore)?, factory: any MetricsFactory) {
        history = store.map { HistoryMetrics($0, factory: factory) }
        connections = Gauge(label: "belfry_connections", factory: factory)
        rooms = Gauge(label: "belfry_rooms", factory: factory)
        frameLogBytes = Gauge(label: "belfry_frame_log_bytes", factory: factory)
        published = Counter(label: "belfry_messages_published_total", factory: factory)
        lost = Counter(label: "belfry_messages_lost_total", factory: factory)
        slowConsumers = Counter(label: "belfry_slow_consumers_total", factory: factory)
        refused = Counter(label: "belfry_connections_refused_total", factory: factory)
        receivedBytes = Counter(label: "belfry_received_bytes_total", factory: factory)
        self.backend = Gauge(label: "belfry_io_backend", dimensions: [("backend", backend)], factory: factory)
    }

    func update(_ now: BrokerStatistics) {
        connections.record(now.connections)
        rooms.record(now.rooms)
        frameLogBytes.record(now.frameLogBytes)
        backend.record(1)
        add(now.published, last?.published, to: published)
        add(now.lost, last?.lost, to: lost)
        add(now.slowConsumers, last?.slowConsumers, to: slowConsumers)
        add(now.refused, last?.refused, to: refused)
        add(now.receivedBytes, last?.receivedBytes, to: receivedBytes)
        last = now
        history?.update()
    }

    private func add(_ now: UInt64, _ before: UInt64?, to counter: Counter) {
        let before = before ?? 0
        if now > before { counter.increment(by: Int64(clamping: now - before)) }
    }
}
