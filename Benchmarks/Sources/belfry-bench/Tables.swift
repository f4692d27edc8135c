// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import LoadReport

/// The results as tables, rows by servers, one table per figure.
struct Tables {
    let results: Results
    let rows: [Row]
    let contenders: [Contender]

    /// All tables that have a row.
    var text: String {
        let loaded = rows.filter { !$0.isIdle }
        let idle = rows.filter(\.isIdle)
        let repeated = results.cells.contains { $0.runs.count > 1 } ? loaded : []
        var tables = [
            table("Server CPU, µs per delivery", loaded) { cell in
                let figure = cell.median(\.serverMicroseconds).map { Format.fixed($0, 3) } ?? "n/a"
                return figure + (isBoundByLoad(cell) ? "*" : "") + (isDisturbed(cell) ? "~" : "")
            }
        ]
        let figures: [(String, (RunReport) -> Double?)] = [
            ("Deliveries per second", { $0.deliveriesPerSecond }),
            ("Latency p50, µs", { $0.p50 }),
            ("Latency p99, µs", { $0.p99 }),
            ("Latency p99.9, µs", { $0.p999 }),
            ("Kernel entries of the server per delivery", { $0.kernelEntries }),
        ]
        tables += figures.map { title, figure in
            table(title, loaded) { Format.number($0.median(figure)) }
        }
        tables.append(
            table("Spread of CPU per delivery / of deliveries per second, (greatest - least) / median", repeated) {
                Format.percent($0.spread(\.serverMicroseconds)) + " / "
                    + Format.percent($0.spread(\.deliveriesPerSecond))
            }
        )
        tables.append(
            table("Peak resident memory, MiB", loaded) {
                Format.number($0.median(\.peakResidentBytes).map { $0 / 1_048_576 })
            }
        )
        tables.append(
            table("What a stuck subscriber costs the others, % of deliveries", rows.filter { $0.workload == "slow" }) {
                $0.median(\.slowCostPercent).map { Format.fixed($0, 1) } ?? "n/a"
            }
        )
        tables.append(
            table("Core share of server / load generator (* = the load generator was the limit)", loaded) {
                Format.percent($0.median(\.serverShare)) + " / " + Format.percent($0.median(\.loadShare))
            }
        )
        tables.append(
            table("Share of time server / load generator waited for a core (~ = the machine was not quiet)", loaded) {
                Format.percent($0.median(\.serverWaitShare)) + " / " + Format.percent($0.median(\.loadWaitShare))
            }
        )
        tables.append(
            table("Resident bytes per idle session", idle) {
                $0.median(\.bytesPerSession).map { Format.fixed($0, 0) } ?? "n/a"
            }
        )
        tables.append(
            table("Server CPU, µs per idle session let in", idle) { Format.number($0.median(\.serverMicroseconds)) }
        )
        return tables.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private func isBoundByLoad(_ cell: Results.Cell) -> Bool {
        guard let server = cell.median(\.serverShare), let load = cell.median(\.loadShare) else { return false }
        return load > 0.9 && server < 0.9
    }

    /// The load generator is alone on its core, so its waiting is somebody else's doing.
    private func isDisturbed(_ cell: Results.Cell) -> Bool {
        (cell.median(\.loadWaitShare) ?? 0) > 0.05 || !results.distance.isNear(cell.median(\.coreRoundTrip))
    }

    /// A table, in parts where rows have other contenders: a column for each part's own.
    private func table(_ title: String, _ rows: [Row], _ figure: (Results.Cell) -> String) -> String {
        let isApart = { (row: Row) in row.wires?.isSubset(of: Contender.wiresApart) ?? false }
        let groups = [rows.filter { !isApart($0) }] + rows.filter(isApart).map { [$0] }
        let parts = groups.map { part($0, figure) }.filter { !$0.isEmpty }
        return parts.isEmpty ? "" : title + "\n" + parts.joined()
    }

    private func part(_ rows: [Row], _ figure: (Results.Cell) -> String) -> String {
        // Not those that take no part in any of the rows.
        let contenders = contenders.filter { contender in
            rows.contains { row in
                let cell = results[row, contender]
                return !cell.runs.isEmpty || !cell.errors.isEmpty
            }
        }
        guard !rows.isEmpty, !contenders.isEmpty else { return "" }
        let cells = rows.map { row in
            contenders.map { contender in
                let cell = results[row, contender]
                return cell.runs.isEmpty ? cell.errors.isEmpty ? "" : "failed" : figure(cell)
            }
        }
        // Names in two lines, `belfry` over `uring-2`, and columns no wider than need be.
        let names = contenders.map { $0.name.split(separator: "-", maxSplits: 1).map(String.init) }
        let widths = contenders.indices.map { column in
            3 + (names[column] + cells.map { $0[column] }).reduce(5) { max($0, $1.count) }
        }
        let first = 2 + (rows.map(\.title.count).max() ?? 0)
        var text = ""
        for line in 0..<2 {
            text += Format.pad("", first)
            for (name, width) in zip(names, widths) {
                // A name of one part stands right above the figures.
                let words = name.count > 1 ? name[line] : line == 1 ? name[0] : ""
                text += Format.pad(words, width)
            }
            text += "\n"
        }
        for (row, figures) in zip(rows, cells) {
            text += "  " + Format.pad(row.title, first - 2, left: false)
            for (figure, width) in zip(figures, widths) { text += Format.pad(figure, width) }
            text += "\n"
        }
        return text
    }
}
