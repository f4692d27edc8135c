// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
public import CoreMetrics

/// Keeps metrics in memory and writes them in Prometheus's text format (version 0.0.4).
///
/// Counters become counters, meters and recorders that don't aggregate gauges, timers (in seconds) and other recorders
/// summaries of count and sum. Names are made fit for Prometheus: what is no letter, digit or colon becomes `_`.
public final class PrometheusMetrics: MetricsFactory {
    private let series = Lock<[Key: PrometheusSeries]>([:])

    private struct Key: Hashable {
        let name: String
        let labels: String
        let kind: PrometheusSeries.Kind
    }

    /// A registry without metrics.
    public init() {}

    /// All metrics as text, sorted by name.
    public var text: String {
        let all = series.withLock { Array($0) }.sorted { ($0.key.name, $0.key.labels) < ($1.key.name, $1.key.labels) }
        var text = ""
        var last = ""
        for (key, series) in all {
            if key.name != last { text += "# TYPE \(key.name) \(key.kind.rawValue)\n" }
            last = key.name
            let labels = key.labels.isEmpty ? "" : "{\(key.labels)}"
            let (count, sum) = series.values
            if key.kind == .summary {
                text += "\(key.name)_count\(labels) \(count)\n\(key.name)_sum\(labels) \(Self.number(sum))\n"
            } else {
                text += "\(key.name)\(labels) \(Self.number(sum))\n"
            }
        }
        return text
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    private func find(
        _ label: String,
        _ dimensions: [(String, String)],
        _ kind: PrometheusSeries.Kind
    ) -> PrometheusSeries {
        let labels = dimensions.map { "\(Self.name($0.0))=\"\(Self.escape($0.1))\"" }.joined(separator: ",")
        let key = Key(name: Self.name(label), labels: labels, kind: kind)
        return series.withLock { series in
            if let known = series[key] { return known }
            let made = PrometheusSeries(kind: kind)
            series[key] = made
            return made
        }
    }

    private static func name(_ text: String) -> String {
        let name = text.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ":") ? $0 : "_" }
        return name.first.map { $0.isNumber } ?? true ? "_" + String(name) : String(name)
    }

    private static func escape(_ text: String) -> String {
        text.map { $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0.isNewline ? "\\n" : String($0) }.joined()
    }

    private func forget(_ handler: AnyObject) {
        series.withLock { series in series = series.filter { $0.value !== handler } }
    }

    // MARK: MetricsFactory

    /// Makes a counter, or finds the one of this name.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        find(label, dimensions, .counter)
    }

    /// Makes a counter of fractions.
    public func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        find(label, dimensions, .counter)
    }

    /// Makes a gauge that can be moved.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        find(label, dimensions, .gauge)
    }

    /// Makes a gauge, or a summary where values are to be aggregated.
    public func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate: Bool
    ) -> any RecorderHandler {
        find(label, dimensions, aggregate ? .summary : .gauge)
    }

    /// Makes a summary of durations.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        find(label, dimensions, .summary)
    }

    /// Forgets a counter.
    public func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
    /// Forgets a counter of fractions.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { forget(handler) }
    /// Forgets a gauge.
    public func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
    /// Forgets a gauge or a summary.
    public func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
    /// Forgets a summary.
    public func destroyTimer(_ handler: any TimerHandler) { forget(handler) }
}
