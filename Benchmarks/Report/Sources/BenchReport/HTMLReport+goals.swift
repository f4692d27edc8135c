// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import LoadReport

extension HTMLReport {
    /// What the product asks of itself, where it falls short, and where the time goes there.
    var goals: Section? {
        let goals = Goals(results)
        guard !goals.all.isEmpty else { return nil }
        var content = [Markup.element("p", ["class": "lead"], text: goals.opening)]
        for kind in Goal.Kind.allCases {
            let about = goals.about(kind)
            guard !about.isEmpty else { continue }
            content.append(.element("h3", text: kind.title))
            content.append(.element("p", ["class": "soft"], text: kind.rule))
            content += outcomes(about)
        }
        content += profiles(goals)
        return Section(id: "goals", title: "Goals, met and missed", content: content)
    }

    private func outcomes(_ goals: [Goal]) -> [Markup] {
        let missed = goals.filter { [.missed, .close].contains($0.outcome) }
        let met = goals.filter { $0.outcome == .met }
        let untold = goals.filter { $0.outcome == .untold }
        var content: [Markup] = []
        if missed.isEmpty, !met.isEmpty {
            content.append(.element("p", text: "Met in all \(met.count)."))
        } else if !missed.isEmpty {
            content.append(.element("p", text: "Met in \(met.count), missed in \(missed.count):"))
            content.append(list(missed))
        }
        if !met.isEmpty { content.append(folded("Met: \(met.count)", list(met))) }
        if !untold.isEmpty {
            let reason =
                results.machine.cores > 2
                ? "The load generator was the limit, so these figures do not tell:"
                : "Two loops and the load generator take three cores, this machine has \(results.machine.cores): these "
                    + "figures do not tell."
            content.append(.element("p", text: reason))
            content.append(folded("All the same: \(untold.count)", list(untold)))
        }
        return content
    }

    private func list(_ goals: [Goal]) -> Markup {
        .element("ul", [:], goals.map { .element("li", text: "\($0.subject): \($0.sentence).") })
    }

    private func profiles(_ goals: Goals) -> [Markup] {
        let missed = goals.about(.peers).filter { [.missed, .close].contains($0.outcome) }
        guard !missed.isEmpty else { return [] }
        var content = [Markup.element("h3", text: "Where the time goes in the rows that are missed")]
        if let fault = results.profileFault { content.append(.element("p", ["class": "warning"], text: fault)) }
        let charts = missed.enumerated().compactMap { index, goal -> Markup? in
            let sides = [(goal.ours, goal.ourSpread)] + (goal.other.map { [($0.server, $0.spread)] } ?? [])
            let profiles = sides.compactMap { server, spread in
                results.profile(goal.row, server).map { (server, spread.median, $0) }
            }
            // The rival may have been looked at for another of the product's protocols.
            guard profiles.first?.0 == goal.ours else { return nil }
            return ProfileChart(goal: goal, profiles: profiles).markup(id: "profile-\(index)")
        }
        guard !charts.isEmpty else {
            if results.profileFault == nil { content.append(.element("p", text: "No profiles were taken.")) }
            return content
        }
        let words =
            "The farthest misses, from samples of the server's call stacks in a run of its own (perf), laid over the medians "
            + "of CPU per delivery. The innermost function that tells decides: waking somebody from within the network is a "
            + "wake."
        content.append(.element("p", ["class": "soft"], text: words))
        content.append(ProfileChart.legend)
        return content + charts
    }
}
