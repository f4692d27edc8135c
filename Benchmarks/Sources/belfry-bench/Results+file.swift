// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import Foundation
import LoadReport

extension Results {
    /// Writes everything found so far below a frame that says where and how.
    func write(in frame: BenchmarkResults, seconds: Double, to file: URL) throws {
        var found = frame
        found.seconds = seconds
        found.leastCoreRoundTrip = distance.least
        found.cells = try cells.map { cell in
            BenchResults.Cell(
                row: cell.row,
                server: cell.server,
                repetitions: try figures(of: cell.countedRuns),
                displaced: try figures(of: cell.displacedRuns),
                errors: cell.errors
            )
        }
        try found.write(to: file)
    }

    /// Every number of a report is a figure, whatever the load generator learns to measure.
    private func figures(of reports: [RunReport]) throws -> [[String: Double]] {
        let encoder = JSONEncoder()
        return try reports.map { report in
            let numbers = try JSONDecoder().decode([String: Number].self, from: encoder.encode(report))
            return numbers.compactMapValues(\.value)
        }
    }

    /// A value of a report, if it is a number.
    private struct Number: Decodable {
        let value: Double?

        init(from decoder: any Decoder) throws {
            value = try? decoder.singleValueContainer().decode(Double.self)
        }
    }
}
