// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import LoadReport

/// A figure against a number that rows differ in, both axes logarithmic, one line per server.
struct GrowthChart {
    let results: BenchmarkResults
    let palette: Palette
    let growth: Growth

    private let width = 860.0
    private let left = 66.0
    private var right: Double { Drawing.nameWidth(results.servers) + 34 }
    private let top = 10.0
    private let bottom = 350.0

    /// The chart; `id` is unique in the page.
    func markup(id: String) -> Markup {
        let figure = growth.figure
        let series = results.servers.map { server in
            let points = growth.points.compactMap { point in
                results.spread(figure, point.row, server).map { (value: point.value, spread: $0) }
            }
            return (server: server, points: points)
        }.filter { $0.points.count > 1 }
        let across = Scale.logarithmic(growth.points.map(\.value), from: left, to: width - right)
        let figures = series.flatMap { $0.points.flatMap { [$0.spread.minimum, $0.spread.maximum] } }
        let up = Scale.logarithmic(figures, from: bottom, to: top)

        var shapes = axes(across: across, up: up)
        var labels: [(y: Double, server: BenchmarkResults.Server)] = []
        var words: [String] = []
        for (server, points) in series {
            let style = palette.style(server)
            let path = points.map {
                "\(Drawing.number(across.position($0.value))),\(Drawing.number(up.position($0.spread.median)))"
            }
            shapes.append(
                .element("polyline", ["points": path.joined(separator: " "), "class": "stroke \(style)"])
            )
            for point in points where point.spread.count > 1 {
                shapes += Drawing.whisker(
                    x: across.position(point.value),
                    up.position(point.spread.minimum),
                    up.position(point.spread.maximum)
                )
            }
            for point in points {
                shapes.append(
                    Drawing.mark(
                        palette.shape(server),
                        across.position(point.value),
                        up.position(point.spread.median),
                        "mark " + style
                    )
                )
            }
            if let last = points.last { labels.append((up.position(last.spread.median), server)) }
            let figures = points.map { "\(Format.number($0.value)): \(figure.text($0.spread.median))" }
            words.append("\(server.name): " + figures.joined(separator: ", "))
        }
        shapes += placed(labels)
        return .element(
            "figure",
            ["class": "wide"],
            .element("figcaption", text: "\(figure.title) against \(growth.parameter), \(growth.subject)"),
            Drawing.picture(
                id: id,
                width: width,
                height: bottom + 44,
                title: "\(figure.title) against \(growth.parameter), \(growth.subject)",
                description: words.joined(separator: "; "),
                shapes
            )
        )
    }

    private func axes(across: Scale, up: Scale) -> [Markup] {
        var shapes: [Markup] = []
        for tick in up.ticks {
            let y = up.position(tick)
            shapes.append(Drawing.line(left, y, width - right, y, "grid"))
            shapes.append(Drawing.label(left - 8, y + 4, growth.figure.tick(tick), anchor: "end", "tick"))
        }
        for point in growth.points {
            let x = across.position(point.value)
            shapes.append(Drawing.line(x, top, x, bottom, "grid"))
            shapes.append(
                Drawing.label(x, bottom + 16, Format.fixed(point.value, 0), anchor: "middle", "tick")
            )
        }
        shapes.append(
            Drawing.label((left + width - right) / 2, bottom + 36, growth.parameter, anchor: "middle", "label")
        )
        return shapes
    }

    /// Names at the lines' ends, moved apart where they would overlap, each with a leader to its line.
    private func placed(_ labels: [(y: Double, server: BenchmarkResults.Server)]) -> [Markup] {
        let gap = 16.0
        let sorted = labels.sorted { $0.y < $1.y }
        var places: [Double] = []
        for label in sorted { places.append(max(label.y, (places.last ?? -gap) + gap)) }
        // What was pushed below the chart pushes the others up again.
        var floor = bottom
        for index in places.indices.reversed() {
            places[index] = min(places[index], floor)
            floor = places[index] - gap
        }
        let edge = width - right
        return zip(sorted, places).flatMap { label, y in
            [
                Drawing.line(edge - 4, label.y, edge + 14, y, "stroke thin " + palette.style(label.server)),
                Drawing.mark(palette.shape(label.server), edge + 20, y, "mark " + palette.style(label.server)),
                Drawing.label(edge + 29, y + 4, label.server.name),
            ]
        }
    }
}
