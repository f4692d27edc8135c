// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import LoadReport

/// Shapes of the charts; colours are classes of the style sheet.
enum Drawing {
    /// Room for the names of servers left of a chart, in bold.
    static func nameWidth(_ servers: [BenchmarkResults.Server]) -> Double {
        Double(min(max(servers.map(\.name.count).max() ?? 0, 8), 40)) * 7.9 + 14
    }

    /// A coordinate, as written.
    static func number(_ value: Double) -> String { Format.fixed(value, 1) }

    /// A picture that a reader without eyes gets as title and description.
    static func picture(
        id: String,
        width: Double,
        height: Double,
        title: String,
        description: String,
        _ content: [Markup]
    ) -> Markup {
        .element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(number(width)) \(number(height))",
                "role": "img", "aria-labelledby": "\(id)-t \(id)-d", "class": "chart",
            ],
            [
                .element("title", ["id": "\(id)-t"], text: title),
                .element("desc", ["id": "\(id)-d"], text: description),
            ] + content
        )
    }

    static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) -> Markup {
        .element(
            "line",
            ["x1": number(x1), "y1": number(y1), "x2": number(x2), "y2": number(y2), "class": style]
        )
    }

    static func bar(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String) -> Markup {
        .element(
            "rect",
            [
                "x": number(x), "y": number(y), "width": number(max(width, 1)), "height": number(height), "rx": "2",
                "class": style,
            ]
        )
    }

    static func label(
        _ x: Double,
        _ y: Double,
        _ text: String,
        anchor: String = "start",
        _ style: String = "label"
    ) -> Markup {
        .element(
            "text",
            ["x": number(x), "y": number(y), "text-anchor": anchor, "class": style],
            text: text
        )
    }

    /// A whisker from the smallest to the largest repetition.
    static func whisker(_ from: Double, _ to: Double, y: Double, cap: Double = 4) -> [Markup] {
        [
            line(from, y, to, y, "whisker"), line(from, y - cap, from, y + cap, "whisker"),
            line(to, y - cap, to, y + cap, "whisker"),
        ]
    }

    /// The same upright.
    static func whisker(x: Double, _ from: Double, _ to: Double, cap: Double = 3) -> [Markup] {
        [
            line(x, from, x, to, "whisker"), line(x - cap, from, x + cap, from, "whisker"),
            line(x - cap, to, x + cap, to, "whisker"),
        ]
    }

    /// One of six shapes, so that servers differ by more than colour.
    static func mark(_ shape: Int, _ x: Double, _ y: Double, size: Double = 4.5, _ style: String) -> Markup {
        let corners: [(Double, Double)]
        switch shape % 6 {
        case 1: corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)].map { ($0.0 * 0.85, $0.1 * 0.85) }
        case 2: corners = [(0, -1.2), (1.15, 0.85), (-1.15, 0.85)]
        case 3: corners = [(0, -1.3), (1.2, 0), (0, 1.3), (-1.2, 0)]
        case 4: corners = [(-1.15, -0.85), (1.15, -0.85), (0, 1.2)]
        case 5: corners = [(-1.1, -0.5), (0, -1.2), (1.1, -0.5), (0.8, 1), (-0.8, 1)]
        default:
            return .element("circle", ["cx": number(x), "cy": number(y), "r": number(size), "class": style])
        }
        let points = corners.map { "\(number(x + $0.0 * size)),\(number(y + $0.1 * size))" }
        return .element("polygon", ["points": points.joined(separator: " "), "class": style])
    }
}
