// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// How far apart the server's and the load generator's core are, and which repetitions may be compared.
///
/// A virtual machine's host moves its processors about, between cores that share a cache and such that do not. A byte
/// that one core wrote and another reads then takes several times as long, and every server is some 20 % dearer. Only
/// repetitions made at the same distance say anything about each other.
public struct CoreDistance: Sendable {
    /// The shortest round trip of a cache line between the two cores in the whole comparison, in nanoseconds.
    public private(set) var least: Double?

    /// Up to which multiple of the least round trip cores count as near.
    static let tolerance = 2.0

    /// Nothing is known.
    public init(least: Double? = nil) { self.least = least }

    /// Learns of another round trip, in nanoseconds.
    public mutating func learn(_ roundTrip: Double?) {
        guard let roundTrip, roundTrip > 0 else { return }
        least = min(roundTrip, least ?? roundTrip)
    }

    /// Whether the cores were as near as they come; true where nobody measured it.
    public func isNear(_ roundTrip: Double?) -> Bool {
        guard let roundTrip, let least else { return true }
        return roundTrip <= Self.tolerance * least
    }

    /// Which repetitions count: those with the cores near if each server of the row has one, else those with the cores
    /// apart if each has one of these, else all.
    ///
    /// - Parameter row: Per server the round trips of its repetitions, in nanoseconds; servers without any are ignored.
    /// - Returns: Per server the indices of those that count.
    public func counted(_ row: [[Double?]]) -> [[Int]] {
        for wanted in [true, false] {
            let chosen = row.map { trips in trips.indices.filter { isNear(trips[$0]) == wanted } }
            if zip(row, chosen).allSatisfy({ $0.isEmpty || !$1.isEmpty }) { return chosen }
        }
        return row.map { Array($0.indices) }
    }
}
