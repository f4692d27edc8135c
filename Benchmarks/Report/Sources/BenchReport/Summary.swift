// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import Foundation
import LoadReport

/// What the figures say, in words.
struct Summary {
    let results: BenchmarkResults
    let comparison: Comparison

    init(_ results: BenchmarkResults) {
        self.results = results
        comparison = Comparison(results)
    }

    /// The others' names, as `redis, nats and nio`.
    var others: String {
        let names = results.servers.filter { !$0.isProduct }.map(\.name)
        guard let last = names.last else { return "nobody" }
        return names.count == 1 ? last : names.dropLast().joined(separator: ", ") + " and " + last
    }

    /// Where and when, in a line.
    var setting: String {
        let memory = Format.fixed(Double(results.machine.memoryBytes) / 1_073_741_824, 0)
        return "\(date) · \(results.machine.processor), \(results.machine.cores) cores, \(memory) GiB"
            + (results.machine.isVirtual ? ", virtual" : "") + " · Linux \(results.machine.kernel)"
    }

    /// How it ended altogether.
    var opening: String {
        let all = comparison.verdicts
        guard !all.isEmpty else { return "Only one side was measured: there is nothing to compare." }
        let processor = comparison.about(.processor)
        var text =
            "Of \(all.count) comparisons with the best of the others, Belfry wins \(comparison.ending(.wins).count), "
            + "others win \(comparison.ending(.loses).count), and \(comparison.ending(.undecided).count) are undecided."
        if let middle = Spread(processor.map(\.factor)) {
            text +=
                middle.median >= 1
                ? " For a delivery, the best of the others takes \(Format.number(middle.median))× the server CPU"
                : " For a delivery, the best of the others takes only \(Format.number(middle.median))× the server CPU"
            text += " in the middle case (\(Format.number(middle.minimum))× to \(Format.number(middle.maximum))× over "
            text += "all workloads; below 1 the other takes less)."
        }
        return text
    }

    /// A sentence per figure that the product wins somewhere.
    var wins: [String] {
        let sentences = Figure.compared.compactMap { figure -> String? in
            let all = comparison.about(figure)
            let won = all.filter { $0.outcome == .wins }
            guard let spread = Spread(won.map(\.lead)) else { return nil }
            let range =
                won.count == 1
                ? "by \(Format.number(spread.median))×"
                : "by \(Format.number(spread.minimum))× to \(Format.number(spread.maximum))×"
            return "\(figure.title): \(won.count) of \(all.count), \(range)."
        }
        return sentences.isEmpty ? ["Nowhere in this comparison."] : sentences
    }

    /// A paragraph on what others do better, the widest lead first.
    var losses: String {
        let lost = comparison.ending(.loses)
        if comparison.verdicts.isEmpty { return "Nothing was compared." }
        if lost.isEmpty { return "Nowhere in this comparison." }
        return lost.map { verdict in
            "\(verdict.figure.title), \(verdict.row.title): \(verdict.sentenceEnd)."
        }.joined(separator: " ")
    }

    /// What a reader must know before trusting figures.
    var warnings: [String] {
        var warnings: [String] = []
        if results.options.isQuick || results.repetitions < 3 {
            let count = results.repetitions
            let times = count == 1 ? "once" : "\(count) times"
            warnings.append("A look, not a measurement: each run was made \(times), for \(seconds) s.")
        }
        if !results.options.isPinned { warnings.append("Server and load generator shared one core.") }
        let disturbed = results.rows.flatMap { row in
            results.servers.filter { results.marks(row, $0).contains("~") }
        }.count
        if disturbed > 0 {
            warnings.append(
                "The machine was not quiet: \(disturbed) of \(results.cells.count) cells were disturbed (~). "
                    + "Trust ratios, not digits."
            )
        }
        let failed = results.cells.filter { !$0.errors.isEmpty }.count
        if failed > 0 {
            warnings.append("In \(failed) of \(results.cells.count) cells runs failed; they are listed below.")
        }
        if results.commit?.isDirty == true { warnings.append("The sources were changed after the commit named below.") }
        return warnings
    }

    /// The last line: from what it was made.
    var provenance: String {
        let commit = results.commit.map { "commit \($0.hash.prefix(10))" + ($0.isDirty ? ", changed" : "") }
        return "Made from results.json of \(date), \(commit ?? "no commit known"). "
            + "make bench measures again, make bench-report renders this page again."
    }

    /// Name and value of all that is known about machine, sources, programs and options.
    var facts: [(String, String)] {
        let machine = results.machine
        let options = results.options
        var facts = [
            ("Date", "\(date), took \(Format.fixed(results.seconds, 0)) s"), ("Processor", machine.processor),
            ("Cores", "\(machine.cores)" + (machine.isVirtual ? ", virtual machine" : "")),
            ("Memory", Format.fixed(Double(machine.memoryBytes) / 1_073_741_824, 1) + " GiB"),
            ("Kernel", machine.kernel), ("Distribution", machine.distribution),
        ]
        if let load = machine.loadAverage { facts.append(("Load average before", Format.fixed(load, 2))) }
        if let commit = results.commit {
            let state = commit.isDirty ? " (with changes)" : ""
            facts.append(("Commit", "\(commit.hash)\(state): \(commit.subject)"))
        }
        facts += results.versions.map { ($0.name, $0.version) }
        let range = results.repetitionRange
        let least = range.lowerBound < range.upperBound ? "\(range.lowerBound) to " : ""
        let repetitions = range.upperBound == 1 ? "one repetition" : "\(least)\(range.upperBound) repetitions"
        let durations = "\(seconds) s after \(plain(options.warmUp)) s of warm-up"
        let cores = options.isPinned ? "a core each" : "one core for both"
        let idle = options.idlePolls == true ? ", idle cores polling" : ""
        facts.append(("Measured", "\(repetitions) of \(durations), \(cores), nice \(options.niceness)\(idle)"))
        if let trip = results.leastCoreRoundTrip {
            let displaced = results.cells.map { $0.displaced?.count ?? 0 }.reduce(0, +)
            facts.append(
                (
                    "Cores apart",
                    "\(Format.fixed(trip, 0)) ns from one to the other and back at best; \(displaced) repetitions with "
                        + "more than twice that are not counted"
                )
            )
        }
        facts.append(("Options", options.arguments.joined(separator: " ")))
        return facts
    }

    /// How verdicts come about.
    static let rules =
        "In each row, Belfry in one protocol, by whichever of its engines does better there, is compared with the best "
        + "of all others, by medians. Undecided: within 5 %, or a repetition of one reaches into those of the other. "
        + marks

    /// What the marks behind figures mean.
    static let marks =
        "* the load generator was the limit; ~ the machine was not quiet, or its host kept the cores apart."

    /// What a figure is.
    static func explanation(of figure: Figure) -> String {
        switch figure {
        case .processor:
            "CPU time of all the server's threads for one message at one subscriber, on one core. Over HTTP: for one answer."
        case .rate:
            "With the server on one core. Where connections are measured, connections let in per second; over HTTP, answers."
        case .peak: "The most memory the server had resident, its start and the clients' coming included."
        case .memory: "Growth of the server's resident memory for each session that does nothing."
        default:
            "From before the publisher's write to after the subscriber's read, on one logarithmic axis for all "
                + "workloads. Less is better. Where the load is a closed loop, a larger window W means a longer queue, "
                + "not a slower server. Marks are medians, pale bands reach from the smallest repetition to the largest."
        }
    }

    private var seconds: String { plain(results.options.seconds) }

    /// `2`, `0.5`: no more digits than it has.
    private func plain(_ value: Double) -> String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private var date: String {
        // Written by hand: the report is in English wherever it is made.
        String(ISO8601DateFormatter().string(from: results.date).prefix(16)).replacing("T", with: " ") + " UTC"
    }
}
