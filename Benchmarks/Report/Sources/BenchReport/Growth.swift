// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults

/// Rows that differ in one number only: how a figure grows with it.
struct Growth {
    /// What grows along, as `window`.
    let parameter: String
    /// What the rows have in common, for people.
    let subject: String
    let figure: Figure
    /// The rows with the parameter's value, rising.
    let points: [(value: Double, row: BenchmarkResults.Workload)]

    /// All that can be made of the rows of a comparison.
    static func all(in results: BenchmarkResults) -> [Growth] {
        [Figure.processor, .memory].flatMap { figure in
            let rows = results.rows(with: figure).map { row in
                let servers = results.servers.filter { results.spread(figure, row, $0) != nil }.map(\.name)
                return (row: row, settings: settings(of: row, in: results), servers: Set(servers))
            }
            let kinds = rows.map(\.row.kind).uniqued
            return kinds.flatMap { kind in
                growths(figure, rows.filter { $0.row.kind == kind })
            }
        }
    }

    private typealias Setting = (row: BenchmarkResults.Workload, settings: [String: String], servers: Set<String>)

    private static func growths(_ figure: Figure, _ rows: [Setting]) -> [Growth] {
        let parameters = Set(rows.flatMap { $0.settings.keys }).sorted()
        return parameters.flatMap { parameter in
            let commons = rows.map { others($0.settings, than: parameter) }.uniqued
            return commons.compactMap { common -> Growth? in
                var points: [(value: Double, row: BenchmarkResults.Workload)] = []
                var servers: Set<String>?
                for row in rows where others(row.settings, than: parameter) == common {
                    // Rows of servers that have nothing to do with each other are no line.
                    guard servers.map({ !$0.isDisjoint(with: row.servers) }) ?? true else { continue }
                    guard let value = row.settings[parameter].flatMap({ Double($0) }), value > 0, value.isFinite,
                        !points.contains(where: { $0.value == value })
                    else { continue }
                    points.append((value, row.row))
                    servers = row.servers
                }
                guard points.count > 1, let kind = points.first?.row.kind else { return nil }
                return Growth(
                    parameter: parameter == "connections" ? noun(kind) : parameter,
                    subject: subject(kind, common),
                    figure: figure,
                    points: points.sorted { $0.value < $1.value }
                )
            }
        }
    }

    private static func others(_ settings: [String: String], than parameter: String) -> [String: String] {
        settings.filter { $0.key != parameter }
    }

    private static func noun(_ kind: String) -> String {
        switch kind {
        case "fanout": "subscribers"
        case "idle": "sessions"
        default: "connections"
        }
    }

    private static func subject(_ kind: String, _ common: [String: String]) -> String {
        let parts = common.sorted { $0.key < $1.key }.compactMap { key, value -> String? in
            switch (key, value) {
            case (_, "0"): nil
            case ("connections", _): "\(value) \(noun(kind))"
            case ("payload", _): "\(value) bytes"
            case (_, "yes"): key
            default: "\(key) \(value)"
            }
        }
        let title = kind == "fanout" ? "fan-out" : kind
        return title + (parts.isEmpty ? "" : " (" + parts.joined(separator: ", ") + ")")
    }

    /// What a row was given, with what the load generator assumed for the rest.
    private static func settings(of row: BenchmarkResults.Workload, in results: BenchmarkResults) -> [String: String] {
        var settings = row.settings
        for name in ["subscribers", "sessions"] { settings[name] = nil }
        let figures = results.cells.lazy.filter { $0.row == row.name }.compactMap(\.repetitions.first).first ?? [:]
        for (name, key) in [("connections", "connections"), ("window", "window"), ("payload", "payloadBytes")] {
            if let value = figures[key], let whole = Int(exactly: value) { settings[name] = "\(whole)" }
        }
        return settings
    }
}
