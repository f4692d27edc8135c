// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LoadReport

/// What a whole comparison found; written as `results.json`.
struct Results: Codable {
    /// All runs of one row on one server.
    struct Cell: Codable {
        let row: String
        let server: String
        var runs: [RunReport] = []
        var errors: [String] = []

        /// The median of a figure over the runs that have it.
        func median(_ figure: (RunReport) -> Double?) -> Double? {
            let values = runs.compactMap(figure).sorted()
            guard !values.isEmpty else { return nil }
            let middle = values.count / 2
            return values.count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
        }

        /// How far a figure's greatest and least value are apart, as a share of the median.
        func spread(_ figure: (RunReport) -> Double?) -> Double? {
            let values = runs.compactMap(figure)
            guard values.count > 1, let least = values.min(), let most = values.max(), let middle = median(figure),
                middle > 0
            else { return nil }
            return (most - least) / middle
        }
    }

    /// A cell's medians, in the report's own words.
    struct Median: Codable {
        let row: String
        let server: String
        let serverMicroseconds: Double?
        let deliveriesPerSecond: Double?
        let serverMicrosecondsSpread: Double?
        let deliveriesPerSecondSpread: Double?
        let peakResidentBytes: Double?
        let slowCostPercent: Double?
        let p50: Double?
        let p99: Double?
        let p999: Double?
        let kernelEntries: Double?
        let bytesPerSession: Double?
        let serverShare: Double?
        let loadShare: Double?
    }

    let date: String
    let kernel: String
    let processors: Int
    var medians: [Median] = []
    var cells: [Cell] = []

    init() {
        date = ISO8601DateFormatter().string(from: Date())
        kernel =
            (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"
        processors = ProcessInfo.processInfo.processorCount
    }

    /// The cell of a row and a server, made when first asked for.
    subscript(row: Row, contender: Contender) -> Cell {
        get {
            cells.first { $0.row == row.name && $0.server == contender.name }
                ?? Cell(row: row.name, server: contender.name)
        }
        set {
            if let index = cells.firstIndex(where: { $0.row == row.name && $0.server == contender.name }) {
                cells[index] = newValue
            } else {
                cells.append(newValue)
            }
        }
    }

    /// Whether any run failed.
    var hasErrors: Bool { cells.contains { !$0.errors.isEmpty } }

    /// Writes everything, medians first.
    mutating func write(to path: String) throws {
        medians = cells.map { cell in
            Median(
                row: cell.row,
                server: cell.server,
                serverMicroseconds: cell.median(\.serverMicroseconds),
                deliveriesPerSecond: cell.median { $0.bytesPerSession == nil ? $0.deliveriesPerSecond : nil },
                serverMicrosecondsSpread: cell.spread(\.serverMicroseconds),
                deliveriesPerSecondSpread: cell.spread { $0.bytesPerSession == nil ? $0.deliveriesPerSecond : nil },
                peakResidentBytes: cell.median(\.peakResidentBytes),
                slowCostPercent: cell.median(\.slowCostPercent),
                p50: cell.median(\.p50),
                p99: cell.median(\.p99),
                p999: cell.median(\.p999),
                kernelEntries: cell.median(\.kernelEntries),
                bytesPerSession: cell.median(\.bytesPerSession),
                serverShare: cell.median(\.serverShare),
                loadShare: cell.median(\.loadShare)
            )
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: URL(fileURLWithPath: path))
    }
}
