// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import LoadReport

/// What a whole comparison found.
struct Results {
    /// All runs of one row on one server.
    struct Cell {
        let row: String
        let server: String
        /// In the order they were made.
        fileprivate(set) var runs: [RunReport] = []
        /// Which of them count.
        fileprivate(set) var counted: [Int] = []
        var errors: [String] = []

        /// Those that count.
        var countedRuns: [RunReport] { counted.map { runs[$0] } }

        /// Those that do not.
        var displacedRuns: [RunReport] { runs.indices.filter { !counted.contains($0) }.map { runs[$0] } }

        /// How many were made with the cores near each other.
        func nearCount(_ distance: CoreDistance) -> Int { runs.count { distance.isNear($0.coreRoundTrip) } }

        /// The median of a figure over the runs that count and have it.
        func median(_ figure: (RunReport) -> Double?) -> Double? {
            let values = countedRuns.compactMap(figure).sorted()
            guard !values.isEmpty else { return nil }
            let middle = values.count / 2
            return values.count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
        }

        /// How far a figure's greatest and least value are apart, as a share of the median.
        func spread(_ figure: (RunReport) -> Double?) -> Double? {
            let values = countedRuns.compactMap(figure)
            guard values.count > 1, let least = values.min(), let most = values.max(), let middle = median(figure),
                middle > 0
            else { return nil }
            return (most - least) / middle
        }
    }

    private(set) var cells: [Cell] = []
    /// How near the cores have been to each other.
    var distance = CoreDistance()

    /// The cell of a row and a server; empty if nothing ran yet.
    subscript(row: Row, contender: Contender) -> Cell {
        cells.first { $0.row == row.name && $0.server == contender.name }
            ?? Cell(row: row.name, server: contender.name)
    }

    /// Adds a run; which runs count is decided anew.
    mutating func add(_ report: RunReport, _ row: Row, _ contender: Contender) {
        cells[index(row, contender)].runs.append(report)
        let least = distance.least
        distance.learn(report.coreRoundTrip)
        for name in distance.least == least ? [row.name] : cells.map(\.row) { count(name) }
    }

    /// Adds what went wrong in a run.
    mutating func add(error: String, _ row: Row, _ contender: Contender) {
        cells[index(row, contender)].errors.append(error)
    }

    /// Decides which runs of a row count.
    private mutating func count(_ row: String) {
        let indices = cells.indices.filter { cells[$0].row == row }
        let counted = distance.counted(indices.map { cells[$0].runs.map(\.coreRoundTrip) })
        for (index, counted) in zip(indices, counted) { cells[index].counted = counted }
    }

    private mutating func index(_ row: Row, _ contender: Contender) -> Int {
        if let index = cells.firstIndex(where: { $0.row == row.name && $0.server == contender.name }) { return index }
        cells.append(Cell(row: row.name, server: contender.name))
        return cells.count - 1
    }

    /// Whether any run failed.
    var hasErrors: Bool { cells.contains { !$0.errors.isEmpty } }
}
