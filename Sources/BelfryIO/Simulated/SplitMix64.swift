// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The random numbers of the simulated network: the same ones for the same seed, everywhere and always.
///
/// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014), figure 16.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Starts the sequence of a seed.
    package init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// True in the given share (0 to 1) of the calls; a share of 0 draws no number.
    package mutating func chance(_ share: Double) -> Bool {
        guard share > 0 else { return false }
        return Double(next() >> 11) * 0x1p-53 < share
    }

    /// At least 1 and less than `count`, which is at least 2.
    mutating func part(of count: Int) -> Int { count < 2 ? count : Int.random(in: 1..<count, using: &self) }
}
