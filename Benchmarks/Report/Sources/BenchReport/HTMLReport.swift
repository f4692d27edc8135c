// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BenchResults
import Foundation
import LoadReport

/// Results as one page that needs nothing else: no network, no scripts.
public struct HTMLReport {
    let results: BenchmarkResults
    private let palette: Palette
    private let summary: Summary

    /// A report about some results.
    public init(_ results: BenchmarkResults) {
        self.results = results
        palette = Palette(results.servers)
        summary = Summary(results)
    }

    /// The page, HTML that is also well-formed XML.
    public var text: String {
        let title = "Belfry beside " + summary.others
        let head = Markup.element(
            "head",
            [:],
            .element("meta", ["charset": "utf-8"]),
            .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
            .element("title", text: title),
            .style(StyleSheet.text)
        )
        let sections = [
            overview, goals, bars(.processor, "processor"), bars(.rate, "rate"), latency, bars(.memory, "memory"),
            bars(.peak, "peak"), growth, figures, machine,
        ].compactMap { $0 }
        let links = sections.map { Markup.element("a", ["href": "#\($0.id)"], text: $0.title) }
        let body = Markup.element(
            "body",
            [:],
            .element(
                "header",
                [:],
                .element("h1", text: title),
                .element("p", ["class": "soft"], text: summary.setting),
                .element("nav", ["aria-label": "Sections"], links)
            ),
            .element("main", [:], sections.map(\.markup)),
            .element("footer", [:], .element("p", ["class": "note"], text: summary.provenance))
        )
        let page = Markup.element(
            "html",
            ["xmlns": "http://www.w3.org/1999/xhtml", "lang": "en"],
            head,
            body
        )
        return "<!DOCTYPE html>\n" + page.source + "\n"
    }

    /// A part of the page that the contents lead to.
    struct Section {
        let id: String
        let title: String
        let content: [Markup]

        var markup: Markup {
            .element("section", ["id": id], [.element("h2", text: title)] + content)
        }
    }

    private var overview: Section? {
        let comparison = summary.comparison
        var content = summary.warnings.map { Markup.element("p", ["class": "warning"], text: $0) }
        content.append(.element("p", ["class": "lead"], text: summary.opening))
        let tiles = Figure.compared.compactMap { figure in tile(figure, comparison.about(figure)) }
        content.append(.element("div", ["class": "tiles"], tiles))
        for figure in [Figure.processor, .rate, .p99, .memory] {
            let verdicts = comparison.about(figure)
            guard !verdicts.isEmpty else { continue }
            let chart = LeadChart(
                title: "\(figure.title): Belfry against the best of the others",
                verdicts: verdicts,
                namesFamily: Set(comparison.verdicts.map(\.family)).count > 1
            ).markup(id: "lead-\(figure.key)")
            let isOpen = figure == .processor
            content.append(isOpen ? chart : folded("\(figure.title), the same picture", chart))
        }
        content.append(.element("h3", text: "Where others win"))
        content.append(list(comparison.ending(.loses), none: "Nowhere in this comparison."))
        content.append(.element("h3", text: "Where Belfry wins"))
        content.append(.element("ul", [:], summary.wins.map { .element("li", text: $0) }))
        content.append(folded("Each of them", list(comparison.ending(.wins), none: "Nowhere.")))
        let undecided = comparison.ending(.undecided)
        if !undecided.isEmpty {
            content.append(folded("Undecided: \(undecided.count)", list(undecided, none: "")))
        }
        content.append(.element("p", ["class": "note"], text: Summary.rules))
        return Section(id: "summary", title: "In short", content: content)
    }

    private func tile(_ figure: Figure, _ verdicts: [Comparison.Verdict]) -> Markup? {
        guard !verdicts.isEmpty else { return nil }
        let counts = [Comparison.Outcome.wins, .undecided, .loses].map { outcome in
            verdicts.filter { $0.outcome == outcome }.count
        }
        let parts = zip(["won", "tied", "lost"], counts).filter { $0.1 > 0 }.map { style, count in
            Markup.element("span", ["class": style, "style": "flex: \(count)"])
        }
        return .element(
            "div",
            ["class": "tile"],
            .element("div", ["class": "what"], text: figure.title),
            .element(
                "div",
                ["class": "count"],
                .text("\(counts[0]) "),
                .element("span", text: "of \(verdicts.count) won")
            ),
            .element("div", ["class": "split", "aria-hidden": "true"], parts),
            .element("div", ["class": "rest"], text: "\(counts[2]) lost, \(counts[1]) undecided")
        )
    }

    private func list(_ verdicts: [Comparison.Verdict], none: String) -> Markup {
        if verdicts.isEmpty { return .element("p", text: none) }
        return .element(
            "ul",
            [:],
            verdicts.map { verdict in
                .element("li", text: "\(verdict.figure.title), \(verdict.row.title): \(verdict.sentenceEnd).")
            }
        )
    }

    private func bars(_ figure: Figure, _ id: String) -> Section? {
        let rows = results.rows(with: figure)
        guard !rows.isEmpty else { return nil }
        let charts = rows.enumerated().map { index, row in
            BarChart(results: results, palette: palette, figure: figure, row: row).markup(id: "\(id)-\(index)")
        }
        let direction = figure.lessIsBetter ? "Less is better." : "More is better."
        return Section(
            id: id,
            title: figure.title,
            content: [
                .element("p", ["class": "soft"], text: "\(direction) \(Summary.explanation(of: figure))"),
                .element("div", ["class": "cards"], charts),
                folded("As a table", FigureTable(results: results).table(of: figure)),
            ]
        )
    }

    private var latency: Section? {
        let rows = results.rows(with: .p50)
        guard !rows.isEmpty else { return nil }
        let values = LatencyChart.figures.flatMap { entry in
            rows.flatMap { row in
                results.servers.compactMap { results.spread(entry.figure, row, $0) }
                    .flatMap { [$0.minimum, $0.maximum] }
            }
        }
        let charts = rows.enumerated().map { index, row in
            LatencyChart(results: results, palette: palette, row: row, values: values).markup(id: "latency-\(index)")
        }
        let legend = LatencyChart.figures.map { entry in
            Markup.element(
                "li",
                [:],
                .element(
                    "svg",
                    ["xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 16 16", "aria-hidden": "true"],
                    Drawing.mark(entry.shape, 8, 8, size: 5, "mark even")
                ),
                .text(entry.name)
            )
        }
        let tables = LatencyChart.figures.map {
            folded("\($0.name) as a table", FigureTable(results: results).table(of: $0.figure))
        }
        return Section(
            id: "latency",
            title: "Latency",
            content: [
                .element("p", ["class": "soft"], text: Summary.explanation(of: .p50)),
                .element("ul", ["class": "legend"], legend), .element("div", ["class": "cards"], charts),
            ] + tables
        )
    }

    private var growth: Section? {
        let charts = Growth.all(in: results).enumerated().map { index, growth in
            GrowthChart(results: results, palette: palette, growth: growth).markup(id: "growth-\(index)")
        }
        guard !charts.isEmpty else { return nil }
        let words =
            "Both axes are logarithmic, whiskers reach from the smallest repetition to the largest. A flat line is the "
            + "same cost at every size."
        return Section(
            id: "growth",
            title: "Growth",
            content: [.element("p", ["class": "soft"], text: words)] + charts
        )
    }

    private var figures: Section? {
        let note = "Medians, below them the smallest and the largest repetition. " + Summary.marks
        return Section(
            id: "figures",
            title: "All figures",
            content: [
                .element("p", ["class": "soft"], text: note), FigureTable(results: results).everything(),
                failures ?? .none,
            ]
        )
    }

    private var failures: Markup? {
        let failed = results.cells.filter { !$0.errors.isEmpty }
        guard !failed.isEmpty else { return nil }
        let items = failed.flatMap { cell in
            cell.errors.map { Markup.element("li", text: "\(cell.row) on \(cell.server): \($0)") }
        }
        return .element("div", [:], .element("h3", text: "Runs that failed"), .element("ul", [:], items))
    }

    private var machine: Section? {
        let facts = summary.facts.map { name, value in
            Markup.element(
                "tr",
                [:],
                .element("th", ["scope": "row"], text: name),
                .element("td", ["class": "text"], text: value)
            )
        }
        let commands = results.servers.map { server in
            Markup.element(
                "tr",
                [:],
                .element("th", ["scope": "row"], text: server.name),
                .element("td", ["class": "name"], text: server.wire),
                .element(
                    "td",
                    ["class": "text"],
                    .element("code", text: server.command.map { $0.isEmpty ? "''" : $0 }.joined(separator: " "))
                )
            )
        }
        return Section(
            id: "machine",
            title: "Machine, versions and options",
            content: [
                .element("table", [:], .element("tbody", [:], facts)), .element("h3", text: "Servers"),
                .element("div", ["class": "scroll"], .element("table", [:], .element("tbody", [:], commands))),
            ]
        )
    }

    func folded(_ title: String, _ content: Markup) -> Markup {
        .element("details", [:], .element("summary", text: title), content)
    }
}
