// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// From figures to coordinates.
struct Scale {
    /// What is shown, lower and upper end.
    let domain: ClosedRange<Double>
    /// Where it is drawn; the end of `domain` lies at `end`.
    let start: Double
    let end: Double
    let isLogarithmic: Bool

    /// From nothing to the largest value.
    static func linear(to maximum: Double, from start: Double, to end: Double) -> Scale {
        Scale(domain: 0...max(maximum, .leastNormalMagnitude), start: start, end: end, isLogarithmic: false)
    }

    /// A logarithmic scale with room for all values, which are above zero.
    static func logarithmic(_ values: [Double], from start: Double, to end: Double) -> Scale {
        let usable = values.filter { $0 > 0 && $0.isFinite }
        let low = usable.min() ?? 1
        let high = usable.max() ?? 10
        // A little air, so that marks do not stand on the edge.
        return Scale(domain: (low / 1.2)...(high * 1.2), start: start, end: end, isLogarithmic: true)
    }

    /// Where a value is drawn; what is outside is drawn at the edge.
    func position(_ value: Double) -> Double {
        let share: Double
        if isLogarithmic {
            let low = log(domain.lowerBound)
            share = (log(max(value, domain.lowerBound)) - low) / (log(domain.upperBound) - low)
        } else {
            share = value / domain.upperBound
        }
        return start + min(max(share, 0), 1) * (end - start)
    }

    /// Round values within the domain: decades, with more between where those are few.
    var ticks: [Double] {
        let decades = Int(log10(domain.lowerBound).rounded(.down))...Int(log10(domain.upperBound).rounded(.up))
        let span = log10(domain.upperBound / domain.lowerBound)
        let steps: [Double] = span > 2.5 ? [1] : span > 0.7 ? [1, 2, 5] : [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8]
        return decades.flatMap { decade in steps.map { $0 * pow(10, Double(decade)) } }.filter(domain.contains)
    }
}
