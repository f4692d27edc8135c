// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults

/// Which colour class and which mark a server has everywhere: the product is cool, the others are warm.
struct Palette {
    private let classes: [String: String]
    private let shapes: [String: Int]

    init(_ servers: [BenchmarkResults.Server]) {
        var classes: [String: String] = [:]
        var shapes: [String: Int] = [:]
        var counts = (product: 0, other: 0)
        for (index, server) in servers.enumerated() {
            // More than six of a kind share colours; their labels and marks still tell them apart.
            if server.isProduct {
                classes[server.name] = "p\(counts.product % 6)"
                counts.product += 1
            } else {
                classes[server.name] = "o\(counts.other % 6)"
                counts.other += 1
            }
            shapes[server.name] = index
        }
        self.classes = classes
        self.shapes = shapes
    }

    /// The colour's class of the style sheet.
    func style(_ server: BenchmarkResults.Server) -> String { classes[server.name] ?? "o5" }

    /// The number of the mark's shape.
    func shape(_ server: BenchmarkResults.Server) -> Int { shapes[server.name] ?? 0 }
}
