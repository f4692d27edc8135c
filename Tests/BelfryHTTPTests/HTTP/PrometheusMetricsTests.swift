// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP
import Metrics
import Testing

@Suite("Metrics as Prometheus reads them", .timeLimit(.minutes(3)))
struct PrometheusMetricsTests {
    @Test("every kind is written with its type, sorted, its labels escaped")
    func text() {
        let metrics = PrometheusMetrics()
        Counter(label: "b.total", dimensions: [("path", "a\"\\\n")], factory: metrics).increment(by: 2)
        Counter(label: "b.total", dimensions: [("path", "a\"\\\n")], factory: metrics).increment()
        Counter(label: "b.total", factory: metrics).increment()
        Gauge(label: "a", factory: metrics).record(1.5)
        Recorder(label: "c", factory: metrics).record(3)
        Recorder(label: "c", factory: metrics).record(4)
        Timer(label: "9d", factory: metrics).recordMilliseconds(1_500)
        #expect(
            metrics.text == """
                # TYPE _9d summary
                _9d_count 1
                _9d_sum 1.5
                # TYPE a gauge
                a 1.5
                # TYPE b_total counter
                b_total 1
                b_total{path="a\\"\\\\\\n"} 3
                # TYPE c summary
                c_count 2
                c_sum 7

                """
        )
    }

    @Test("what is destroyed is gone")
    func destroyed() {
        let metrics = PrometheusMetrics()
        let counter = Counter(label: "a", factory: metrics)
        counter.increment()
        counter.destroy()
        #expect(metrics.text == "")
    }
}
