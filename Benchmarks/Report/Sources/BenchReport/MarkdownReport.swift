// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BenchResults
import LoadReport

/// Results as Markdown, for a README.
public struct MarkdownReport {
    private let results: BenchmarkResults
    private let summary: Summary

    /// A report about some results.
    public init(_ results: BenchmarkResults) {
        self.results = results
        summary = Summary(results)
    }

    /// A table of server CPU per delivery, memory below, and a paragraph on where others win.
    public var text: String {
        let versions = results.versions.map { "\($0.name) \($0.version)" }.joined(separator: ", ")
        let machine = "\(results.machine.cores) cores of \(results.machine.processor), Linux \(results.machine.kernel)"
        let range = results.repetitionRange
        let least = range.lowerBound < range.upperBound ? "\(range.lowerBound) to " : ""
        let medians = range.upperBound == 1 ? "one run each" : "medians of \(least)\(range.upperBound)"
        var parts = ["Server CPU per delivery in µs, \(medians) (\(escaped(machine)); \(escaped(versions))):"]
        parts.append(table(of: .processor) { Format.number($0) })
        if !results.rows(with: .memory).isEmpty {
            parts += ["Resident bytes per idle session:", table(of: .memory) { Format.fixed($0, 0) }]
        }
        parts.append("**Where others win**: " + escaped(summary.losses))
        let warnings = summary.warnings.map(escaped).joined(separator: " ")
        if !warnings.isEmpty { parts.append(warnings) }
        if hasMarks { parts.append(escaped(Summary.marks)) }
        parts.append(escaped(summary.provenance))
        return parts.joined(separator: "\n\n") + "\n"
    }

    private var hasMarks: Bool {
        results.rows.contains { row in results.servers.contains { !results.marks(row, $0).isEmpty } }
    }

    private func table(of figure: Figure, _ text: (Double) -> String) -> String {
        let rows = results.rows(with: figure)
        let servers = results.servers.filter { server in
            rows.contains { results.spread(figure, $0, server) != nil }
        }
        var lines = ["| | " + servers.map { escaped($0.name) }.joined(separator: " | ") + " |"]
        lines.append("|---" + String(repeating: "|---", count: servers.count) + "|")
        for row in rows {
            let best = results.best(of: figure, in: row)?.server.name
            let cells = servers.map { server -> String in
                guard let spread = results.spread(figure, row, server) else { return "–" }
                let value = text(spread.median) + escaped(results.marks(row, server))
                return server.name == best ? "**\(value)**" : value
            }
            lines.append("| \(escaped(row.title)) | " + cells.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n")
    }

    /// Text in which nothing is markup.
    private func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "|", "*", "_", "`", "<", "[", "]", "\\", "~": escaped += "\\\(character)"
            case _ where character.isNewline: escaped += " "
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
