// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LoadReport

/// Many small rooms.
struct Pairs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "P rooms, each with one publisher and one subscriber, W messages outstanding in each."
    )
    @OptionGroup var target: TargetOptions
    @OptionGroup var options: RunOptions
    @Option(help: "Pairs.") var pairs = 1_000
    @Option(help: "Messages outstanding in each room.") var window = 1

    func validate() throws {
        guard (1...5_000).contains(pairs), (1...65_536).contains(window) else {
            throw ValidationError("pairs must be 1...5000, the window 1...65536")
        }
    }

    mutating func run() throws {
        let shape = Shape(
            groups: pairs,
            subscribers: 1,
            window: options.rate == nil ? window : 64,
            publishesToItself: false,
            payload: options.payload,
            spins: options.spin,
            rate: options.rate
        )
        try options.measure(shape, target: target, workload: "pairs", connections: pairs)
    }
}
