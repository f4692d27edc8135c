// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BenchResults

/// Results as one picture (SVG), for a README: server CPU per delivery against the best of the others.
public struct PictureReport {
    private let results: BenchmarkResults

    /// A picture of some results.
    public init(_ results: BenchmarkResults) { self.results = results }

    /// The picture, complete in itself; nil where nothing can be compared.
    public var text: String? {
        let summary = Summary(results)
        let verdicts = summary.comparison.about(.processor)
        guard !verdicts.isEmpty else { return nil }
        let chart = LeadChart(
            title: "\(Figure.processor.title): Belfry against the best of \(summary.others)",
            verdicts: verdicts,
            namesFamily: Set(verdicts.map(\.family)).count > 1
        )
        let head = [
            Drawing.label(8, 16, chart.title, "label best"),
            Drawing.label(8, 34, summary.setting, "tick"),
        ]
        let looks = [
            Markup.style(StyleSheet.text), .style(StyleSheet.picture),
            // Beyond the edges, whatever the size.
            .element("rect", ["width": "100%", "height": "100%", "class": "paper"]),
        ]
        return chart.picture(id: "lead", head: head, looks: looks).source + "\n"
    }
}
