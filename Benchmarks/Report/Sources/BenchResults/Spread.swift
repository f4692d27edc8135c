// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A figure over several repetitions.
public struct Spread: Codable, Equatable, Sendable {
    /// The median; of an even count the mean of the middle two.
    public var median: Double
    /// The smallest value.
    public var minimum: Double
    /// The largest value.
    public var maximum: Double
    /// How many values there are.
    public var count: Int

    /// The spread of some values; those that are not finite are left out, nil if nothing is left.
    public init?(_ values: [Double]) {
        let sorted = values.filter(\.isFinite).sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        let middle = sorted.count / 2
        median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        minimum = first
        maximum = last
        count = sorted.count
    }

    /// The range as a share of the median; nil with one value, which has none.
    public var relative: Double? {
        count > 1 && median != 0 ? (maximum - minimum) / median.magnitude : nil
    }
}
