// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import LoadReport

/// How many times better or worse than the best of the others, a bar per verdict from a line in the middle.
struct LeadChart {
    let title: String
    let verdicts: [Comparison.Verdict]
    /// Whether the product has more than one family, which is then named.
    let namesFamily: Bool

    private let width = 820.0
    private let left = 300.0
    private let right = 220.0
    private let step = 23.0

    /// The chart; `id` is unique in the page.
    func markup(id: String) -> Markup {
        .element("figure", ["class": "wide"], .element("figcaption", text: title), picture(id: id))
    }

    /// The picture alone.
    ///
    /// - Parameters:
    ///   - head: Lines above the chart.
    ///   - looks: What makes the picture complete where no page has a style sheet.
    func picture(id: String, head: [Markup] = [], looks: [Markup] = []) -> Markup {
        // The scale reaches twice at least, so that small leads look small.
        let reach = max(2, verdicts.map(\.lead).max() ?? 2)
        let low = verdicts.contains { $0.factor < 1 } ? max(2, verdicts.map { 1 / $0.factor }.max() ?? 2) : 1.15
        let scale = Scale(domain: (1 / low)...reach, start: left, end: width - right, isLogarithmic: true)
        let middle = scale.position(1)
        let top = 20.0 + Double(head.count) * 20
        let height = top + Double(verdicts.count) * step + 4
        var shapes = [
            Drawing.label(middle - 8, top - 8, "← others better", anchor: "end", "tick"),
            Drawing.label(middle + 8, top - 8, "Belfry better →", "tick"),
        ]
        var words: [String] = []
        for (index, verdict) in verdicts.enumerated() {
            let y = top + Double(index) * step
            let end = scale.position(verdict.factor)
            let name = verdict.row.title + (namesFamily ? " · " + verdict.family : "")
            let style =
                switch verdict.outcome {
                case .wins: "fill p0"
                case .loses: "fill o0"
                case .undecided: "fill even"
                }
            shapes.append(Drawing.label(left - 12, y + 14, name, anchor: "end"))
            shapes.append(Drawing.bar(min(middle, end), y + 1, (end - middle).magnitude, step - 5, style))
            let text = Format.number(verdict.lead) + "× " + verdict.theirs.name
            let remark = verdict.outcome == .undecided ? text + ", undecided" : text
            let isLeft = verdict.factor < 1
            shapes.append(
                isLeft
                    ? Drawing.label(middle + 8, y + 14, remark, "label")
                    : Drawing.label(max(end, middle) + 8, y + 14, remark, "label")
            )
            words.append("\(name): \(verdict.sentenceEnd)")
        }
        shapes.append(Drawing.line(middle, top - 2, middle, height, "axis"))
        return Drawing.picture(
            id: id,
            width: width,
            height: height,
            title: title,
            description: words.joined(separator: "; "),
            looks + head + shapes
        )
    }
}
