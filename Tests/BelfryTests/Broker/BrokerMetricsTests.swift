// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Metrics
import Testing

@testable import Belfry

@Suite(.timeLimit(.minutes(3)))
struct BrokerMetricsTests {
    @Test("what the broker did shows in the metrics system")
    func figures() async throws {
        let metrics = RecordedMetrics()
        try await withBroker(
            configure: {
                $0.metrics = metrics
                $0.limits.maxConnections = 1
            }
        ) { test in
            let client = try await test.join("metrics")
            try await client.send("M metrics e hello\nM metrics e again\nSAY done")
            try await client.skip(to: "= done")
            let refused = try await test.connect()
            #expect(await refused.line() == nil)
            try await eventually("the tick has come") {
                metrics["belfry_connections"] == 1 && metrics["belfry_messages_published_total"] == 2
            }
            #expect(metrics["belfry_rooms"] == 1)
            #expect(metrics["belfry_frame_log_bytes"] ?? 0 > 0)
            #expect(metrics["belfry_io_backend{backend=epoll}"] == 1)
        }
        #expect(metrics["belfry_connections"] == 0)
        #expect(metrics["belfry_messages_published_total"] == 2)
        #expect(metrics["belfry_connections_refused_total"] == 1)
        #expect(metrics["belfry_received_bytes_total"] == 69)
    }

    @Test("counters get only what came since the last time")
    func increments() {
        let recorded = RecordedMetrics()
        let metrics = BrokerMetrics(backend: "epoll", store: nil, factory: recorded)
        var statistics = BrokerCounters().snapshot
        statistics.lost = 5
        statistics.slowConsumers = 1
        metrics.update(statistics)
        metrics.update(statistics)
        statistics.lost = 7
        metrics.update(statistics)
        #expect(recorded["belfry_messages_lost_total"] == 7)
        #expect(recorded["belfry_slow_consumers_total"] == 1)
    }
}

/// A metrics system that remembers: sums of counters, last values of gauges.
private final class RecordedMetrics: MetricsFactory {
    private let values = Lock<[String: Double]>([:])

    subscript(label: String) -> Double? { values.withLock { $0[label] } }

    private static func name(_ label: String, _ dimensions: [(String, String)]) -> String {
        dimensions.isEmpty ? label : label + "{" + dimensions.map { "\($0)=\($1)" }.joined(separator: ",") + "}"
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        Handler(name: Self.name(label, dimensions), metrics: self)
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        Handler(name: Self.name(label, dimensions), metrics: self)
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        Handler(name: Self.name(label, dimensions), metrics: self)
    }

    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    private final class Handler: CounterHandler, RecorderHandler, TimerHandler {
        let name: String
        let metrics: RecordedMetrics

        init(name: String, metrics: RecordedMetrics) {
            self.name = name
            self.metrics = metrics
        }

        func increment(by amount: Int64) { metrics.values.withLock { $0[name, default: 0] += Double(amount) } }
        func reset() { metrics.values.withLock { $0[name] = 0 } }
        func record(_ value: Int64) { record(Double(value)) }
        func record(_ value: Double) { metrics.values.withLock { $0[name] = value } }
        func recordNanoseconds(_ duration: Int64) { record(Double(duration)) }
    }
}
