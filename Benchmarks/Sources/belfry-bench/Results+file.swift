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
        found.cells = try cells.map { cell in
            try BenchResults.Cell(row: cell.row, server: cell.server, errors: cell.errors, reports: cell.runs)
        }
        try found.write(to: file)
    }
}

extension BenchResults.Cell {
    /// A cell of the file; every number of a report is a figure, whatever the load generator learns to measure.
    fileprivate init(row: String, server: String, errors: [String], reports: [RunReport]) throws {
        let encoder = JSONEncoder()
        let repetitions = try reports.map { report in
            let numbers = try JSONDecoder().decode([String: Number].self, from: encoder.encode(report))
            return numbers.compactMapValues(\.value)
        }
        self.init(row: row, server: server, repetitions: repetitions, errors: errors)
    }

    /// A value of a report, if it is a number.
    private struct Number: Decodable {
        let value: Double?

        init(from decoder: any Decoder) throws {
            value = try? decoder.singleValueContainer().decode(Double.self)
        }
    }
}
