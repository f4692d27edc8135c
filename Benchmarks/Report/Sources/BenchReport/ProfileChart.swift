// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import LoadReport

/// Where the time of a delivery goes, the product above its rival: bars of µs, cut by what they were spent on.
struct ProfileChart {
    let goal: Goal
    let profiles: [(server: BenchmarkResults.Server, microseconds: Double, profile: Profile)]

    private let width = 860.0
    private let left = 150.0
    private let right = 110.0
    private let step = 27.0

    /// The chart; `id` is unique in the page.
    func markup(id: String) -> Markup {
        let most = profiles.map(\.microseconds).max() ?? 1
        let scale = Scale.linear(to: most, from: left, to: width - right)
        var shapes: [Markup] = []
        var words: [String] = []
        for (index, entry) in profiles.enumerated() {
            let y = Double(index) * step + 2
            shapes.append(Drawing.label(left - 8, y + 16, entry.server.name, anchor: "end"))
            var start = 0.0
            for (number, kind) in Profile.Kind.allCases.enumerated() {
                let share = entry.profile.share(kind)
                guard share > 0 else { continue }
                let end = start + share * entry.microseconds
                let (from, to) = (scale.position(start), scale.position(end))
                shapes.append(Drawing.bar(from, y, to - from, step - 6, "fill k\(number)"))
                if to - from > 34 {
                    let text = Format.number(share * entry.microseconds)
                    shapes.append(Drawing.label((from + to) / 2, y + 15, text, anchor: "middle", "inside"))
                }
                start = end
            }
            shapes.append(
                Drawing.label(scale.position(start) + 8, y + 16, Figure.processor.text(entry.microseconds))
            )
            words.append("\(entry.server.name): \(entry.profile.sentence)")
        }
        return .element(
            "figure",
            ["class": "wide"],
            .element("figcaption", text: goal.subject),
            .element("p", ["class": "note"], text: goal.sentence + "."),
            Drawing.picture(
                id: id,
                width: width,
                height: Double(profiles.count) * step + 4,
                title: "Where the time goes, \(goal.subject)",
                description: words.joined(separator: "; "),
                shapes
            ),
            .element(
                "ul",
                ["class": "note"],
                profiles.map { entry in
                    let functions = entry.profile.functions.prefix(5).map { function in
                        "\(function.name) \(Format.percent(function.share).dropLast()) %"
                    }
                    return .element(
                        "li",
                        text:
                            "\(entry.server.name): \(entry.profile.sentence). Hottest: \(functions.joined(separator: ", "))."
                    )
                }
            )
        )
    }

    /// The colours' names.
    static var legend: Markup {
        .element(
            "ul",
            ["class": "legend"],
            Profile.Kind.allCases.enumerated().map { number, kind in
                .element(
                    "li",
                    [:],
                    .element(
                        "svg",
                        ["xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 16 16", "aria-hidden": "true"],
                        Drawing.bar(1, 1, 14, 14, "fill k\(number)")
                    ),
                    .text(kind.title)
                )
            }
        )
    }
}
