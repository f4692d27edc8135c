// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import CoreMetrics

/// One metric with one set of labels.
final class PrometheusSeries: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    /// What Prometheus takes it for.
    enum Kind: String, Hashable, Sendable {
        case counter, gauge, summary
    }

    private let kind: Kind
    private let state = Lock(State())

    private struct State {
        var count: UInt64 = 0
        /// Of a gauge its value.
        var sum = 0.0
    }

    init(kind: Kind) { self.kind = kind }

    /// How many values there were, and their sum, or a gauge's value.
    var values: (count: UInt64, sum: Double) { state.withLock { ($0.count, $0.sum) } }

    private func add(_ value: Double) {
        state.withLock { state in
            state.count &+= 1
            state.sum += value
        }
    }

    func increment(by amount: Int64) { add(Double(amount)) }
    func increment(by amount: Double) { add(amount) }
    func decrement(by amount: Double) { add(-amount) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { state.withLock { $0.sum = value } }
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { if kind == .gauge { set(value) } else { add(value) } }
    func recordNanoseconds(_ duration: Int64) { add(Double(duration) / 1e9) }
    func reset() { state.withLock { $0 = State() } }
}
