// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import Foundation

/// The results in `Fixtures`, made up so that every outcome occurs and every text has markup in it.
enum Sample {
    static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/sample.json")

    static func results() throws -> BenchmarkResults { try BenchmarkResults(contentsOf: file) }
}
