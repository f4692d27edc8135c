// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import LoadReport

/// A kind of figure: what it is called and which way is good.
struct Figure: Sendable, Equatable {
    /// How figures are written.
    enum Unit: Sendable {
        case microseconds, perSecond, bytes, share, plain
    }

    /// The load generator's name for it.
    let key: String
    /// What people call it.
    let title: String
    let unit: Unit
    /// Whether less is better.
    var lessIsBetter = true

    static let processor = Figure(key: "serverMicroseconds", title: "Server CPU per delivery", unit: .microseconds)
    static let rate = Figure(
        key: "deliveriesPerSecond",
        title: "Deliveries per second",
        unit: .perSecond,
        lessIsBetter: false
    )
    static let p50 = Figure(key: "p50", title: "Latency, median (p50)", unit: .microseconds)
    static let p99 = Figure(key: "p99", title: "Latency, p99", unit: .microseconds)
    static let p999 = Figure(key: "p999", title: "Latency, p99.9", unit: .microseconds)
    static let memory = Figure(key: "bytesPerSession", title: "Memory per idle session", unit: .bytes)
    static let entries = Figure(key: "kernelEntries", title: "Kernel entries per delivery", unit: .plain)

    static let peak = Figure(key: "peakResidentBytes", title: "Peak memory", unit: .bytes)

    /// Those by which servers are compared.
    static let compared = [processor, rate, p50, p99, p999, memory, peak]

    /// All that have a name here.
    static let known =
        compared + [
            entries,
            Figure(key: "voluntarySwitches", title: "Context switches per delivery", unit: .plain),
            Figure(key: "rate", title: "Messages due per second", unit: .perSecond),
            Figure(key: "sendDelayP99", title: "Sent late, p99", unit: .microseconds),
            Figure(key: "deliveriesPerSecondAlone", title: "Deliveries per second without the slow", unit: .perSecond),
            Figure(key: "slowCostPercent", title: "Cost of the slow, %", unit: .plain),
            Figure(key: "serverShare", title: "Core share, server", unit: .share),
            Figure(key: "loadShare", title: "Core share, load", unit: .share),
            Figure(key: "serverWaitShare", title: "Waiting, server", unit: .share),
            Figure(key: "loadWaitShare", title: "Waiting, load", unit: .share),
            Figure(key: "coreRoundTrip", title: "Cores apart, ns", unit: .plain),
        ]

    /// A round figure with its unit, as at an axis: `1 ms`, not `1.00 ms`.
    func tick(_ value: Double) -> String {
        let words = text(value).split(separator: " ", omittingEmptySubsequences: false)
        var number = String(words[0])
        if number.contains("."), !number.contains("/") {
            while number.hasSuffix("0") { number.removeLast() }
            if number.hasSuffix(".") { number.removeLast() }
        }
        return ([number] + words.dropFirst().map(String.init)).joined(separator: " ")
    }

    /// A figure with its unit, three significant digits.
    func text(_ value: Double) -> String {
        switch unit {
        case .microseconds:
            if value >= 1_000_000 { return Format.number(value / 1_000_000) + " s" }
            return value >= 1_000 ? Format.number(value / 1_000) + " ms" : Format.number(value) + " µs"
        case .perSecond: return Format.number(value) + "/s"
        case .bytes:
            if value >= 1_000_000 { return Format.number(value / 1_000_000) + " MB" }
            return value >= 10_000 ? Format.fixed(value / 1_000, 1) + " kB" : Format.fixed(value, 0) + " B"
        case .share: return Format.percent(value)
        case .plain: return Format.number(value)
        }
    }
}
