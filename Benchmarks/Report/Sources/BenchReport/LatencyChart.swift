// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults

/// The latency of one row on a logarithmic axis: p50, p99 and p99.9 of each server, with the ranges of repetitions.
struct LatencyChart {
    let results: BenchmarkResults
    let palette: Palette
    let row: BenchmarkResults.Workload
    /// All latencies of the page, so that its charts share one axis.
    let values: [Double]

    /// What is shown, with the number of its mark.
    static let figures: [(figure: Figure, shape: Int, name: String)] = [
        (.p50, 0, "p50"), (.p99, 3, "p99"), (.p999, 2, "p99.9"),
    ]

    private let width = 460.0
    private var left: Double { Drawing.nameWidth(results.servers) }
    private let right = 28.0
    private let step = 23.0

    /// The chart; `id` is unique in the page.
    func markup(id: String) -> Markup {
        let servers = results.servers.filter { results.spread(.p50, row, $0) != nil }
        let scale = Scale.logarithmic(values, from: left, to: width - right)
        let bottom = Double(max(servers.count, 1)) * step + 2
        var shapes: [Markup] = []
        var words: [String] = []
        for tick in scale.ticks {
            let x = scale.position(tick)
            shapes.append(Drawing.line(x, 0, x, bottom, "grid"))
            shapes.append(Drawing.label(x, bottom + 14, Figure.p50.tick(tick), anchor: "middle", "tick"))
        }
        for (index, server) in servers.enumerated() {
            let y = Double(index) * step + step / 2
            let style = palette.style(server)
            let spreads = Self.figures.compactMap { entry in
                results.spread(entry.figure, row, server).map { (entry: entry, spread: $0) }
            }
            shapes.append(Drawing.label(left - 8, y + 4, server.name, anchor: "end"))
            let xs = spreads.map { scale.position($0.spread.median) }
            if let first = xs.min(), let last = xs.max() {
                shapes.append(Drawing.line(first, y, last, y, "stroke thin " + style))
            }
            for (_, spread) in spreads where spread.count > 1 {
                // Three whiskers on one line would be taken for one another: pale bands instead.
                let start = scale.position(spread.minimum)
                shapes.append(
                    Drawing.bar(start, y - 4, scale.position(spread.maximum) - start, 8, "range " + style)
                )
            }
            for (entry, spread) in spreads {
                let x = scale.position(spread.median)
                shapes.append(Drawing.mark(entry.shape, x, y, "mark " + style))
            }
            let figures = spreads.map { "\($0.entry.name) \($0.entry.figure.text($0.spread.median))" }
            words.append("\(server.name): " + figures.joined(separator: ", "))
        }
        return .element(
            "figure",
            [:],
            .element("figcaption", text: row.title),
            Drawing.picture(
                id: id,
                width: width,
                height: bottom + 20,
                title: "Latency, \(row.title)",
                description: words.joined(separator: "; "),
                shapes
            )
        )
    }
}
