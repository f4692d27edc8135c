// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import LoadReport

/// What a whole comparison found.
struct Results {
    /// All runs of one row on one server.
    struct Cell {
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

    var cells: [Cell] = []

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
}
