// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Why a measurement could not be had.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
