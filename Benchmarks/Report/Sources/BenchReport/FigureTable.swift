// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import LoadReport

/// Figures as tables, for readers who do not want pictures.
struct FigureTable {
    let results: BenchmarkResults

    /// One figure: rows by servers.
    func table(of figure: Figure) -> Markup {
        let rows = results.rows(with: figure)
        let servers = results.servers.filter { server in
            rows.contains { results.spread(figure, $0, server) != nil }
        }
        let head = Markup.element(
            "tr",
            [:],
            [.element("th", ["scope": "col"], text: "workload")]
                + servers.map { .element("th", ["scope": "col"], text: $0.name) }
        )
        let body = rows.map { row in
            let best = results.best(of: figure, in: row)?.server.name
            return Markup.element(
                "tr",
                [:],
                [.element("th", ["scope": "row"], text: row.title)]
                    + servers.map { server in
                        cell(figure, results.spread(figure, row, server), isBest: server.name == best)
                    }
            )
        }
        return wrapped(head: head, body: body)
    }

    /// Every figure of every row on every server.
    func everything() -> Markup {
        let ignored: Set = ["connections", "window", "payloadBytes", "frameBytes", "seconds", "deliveries"]
        let present = Set(results.cells.flatMap(\.repetitions).flatMap(\.keys)).subtracting(ignored)
        let known = Figure.known.filter { present.contains($0.key) }
        let unknown = present.subtracting(known.map(\.key)).sorted()
        let figures = known + unknown.map { Figure(key: $0, title: $0, unit: .plain) }
        let head = Markup.element(
            "tr",
            [:],
            [
                .element("th", ["scope": "col"], text: "workload"),
                .element("th", ["scope": "col", "class": "text"], text: "server"),
            ] + figures.map { .element("th", ["scope": "col"], text: $0.title) }
        )
        let body = results.rows.flatMap { row in
            results.servers.compactMap { server -> Markup? in
                guard let entry = results.cell(row, server) else { return nil }
                let name = server.name + results.marks(row, server) + (entry.errors.isEmpty ? "" : " (failed)")
                return .element(
                    "tr",
                    [:],
                    [
                        .element("th", ["scope": "row"], text: row.title),
                        .element("td", ["class": "name"], text: name),
                    ] + figures.map { cell($0, entry.spread($0.key), isBest: false) }
                )
            }
        }
        return wrapped(head: head, body: body)
    }

    private func wrapped(head: Markup, body: [Markup]) -> Markup {
        .element(
            "div",
            ["class": "scroll"],
            .element("table", [:], .element("thead", [:], head), .element("tbody", [:], body))
        )
    }

    private func cell(_ figure: Figure, _ spread: Spread?, isBest: Bool) -> Markup {
        guard let spread else { return .element("td", text: "–") }
        var content = [Markup.text(figure.text(spread.median))]
        if spread.count > 1 {
            content.append(
                .element("small", text: figure.text(spread.minimum) + " – " + figure.text(spread.maximum))
            )
        }
        return isBest ? .element("td", ["class": "best"], content) : .element("td", [:], content)
    }
}
