// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Metrics

/// What an HTTP server has done, as swift-metrics has it; brought up to date by each connection about once a second.
struct HTTPCounters: Sendable {
    private let requests: Counter
    private let refused: Counter
    private let timedOut: Counter

    init(factory: any MetricsFactory) {
        requests = Counter(label: "belfry_http_requests_total", factory: factory)
        refused = Counter(label: "belfry_http_requests_malformed_total", factory: factory)
        timedOut = Counter(label: "belfry_http_timeouts_total", factory: factory)
    }

    func add(requests count: Int) { if count > 0 { requests.increment(by: count) } }
    func addMalformed() { refused.increment() }
    func addTimeout() { timedOut.increment() }
}
