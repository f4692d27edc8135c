// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults

/// One figure of one row: a bar per server, with a whisker from the smallest to the largest repetition.
struct BarChart {
    let results: BenchmarkResults
    let palette: Palette
    let figure: Figure
    let row: BenchmarkResults.Workload

    private let width = 460.0
    private var left: Double { Drawing.nameWidth(results.servers) }
    private let right = 96.0
    private let step = 23.0

    /// The chart; `id` is unique in the page.
    func markup(id: String) -> Markup {
        let servers = results.servers.filter { server in
            results.spread(figure, row, server) != nil || results.cell(row, server)?.errors.isEmpty == false
        }
        let spreads = servers.map { results.spread(figure, row, $0) }
        let scale = Scale.linear(
            to: spreads.compactMap { $0?.maximum }.max() ?? 1,
            from: left,
            to: width - right
        )
        let best = results.best(of: figure, in: row)?.server.name
        var shapes: [Markup] = []
        var words: [String] = []
        for (index, server) in servers.enumerated() {
            let y = Double(index) * step + 2
            let middle = y + step / 2 - 2
            let isBest = server.name == best
            let name = isBest ? "label best" : "label"
            shapes.append(Drawing.label(left - 8, middle + 4, server.name, anchor: "end", name))
            guard let spread = spreads[index] else {
                shapes.append(Drawing.label(left + 4, middle + 4, "failed", "faint"))
                words.append("\(server.name) failed")
                continue
            }
            let end = scale.position(spread.median)
            shapes.append(Drawing.bar(left, y, end - left, step - 5, "fill " + palette.style(server)))
            var edge = end
            if spread.count > 1 {
                edge = max(edge, scale.position(spread.maximum))
                shapes += Drawing.whisker(scale.position(spread.minimum), scale.position(spread.maximum), y: middle)
            }
            let text = figure.text(spread.median)
            shapes.append(Drawing.label(edge + 8, middle + 4, text + results.marks(row, server), name))
            words.append("\(server.name) \(text)" + (isBest ? " (best)" : ""))
        }
        let height = Double(max(servers.count, 1)) * step + 2
        shapes.append(Drawing.line(left, 0, left, height, "axis"))
        return .element(
            "figure",
            [:],
            .element("figcaption", text: row.title),
            Drawing.picture(
                id: id,
                width: width,
                height: height,
                title: "\(figure.title), \(row.title)",
                description: words.joined(separator: ", "),
                shapes
            )
        )
    }
}
