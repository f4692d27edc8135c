// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Metrics

/// A store's figures as swift-metrics has them.
///
/// Loop-confined to the broker's first loop.
final class HistoryMetrics {
    private let store: any HistoryStore
    private let degraded: Gauge
    private let pending: Gauge
    private let stored: Counter
    private let lost: Counter
    private var last = HistoryStatus()

    init(_ store: any HistoryStore, factory: any MetricsFactory) {
        self.store = store
        degraded = Gauge(label: "belfry_history_degraded", factory: factory)
        pending = Gauge(label: "belfry_history_pending_messages", factory: factory)
        stored = Counter(label: "belfry_history_stored_total", factory: factory)
        lost = Counter(label: "belfry_history_lost_total", factory: factory)
    }

    func update() {
        let now = store.status
        degraded.record(now.degradation == nil ? 0 : 1)
        pending.record(now.pending)
        stored.increment(by: Int64(clamping: now.stored - min(now.stored, last.stored)))
        lost.increment(by: Int64(clamping: now.lost - min(now.lost, last.lost)))
        last = now
    }
}
