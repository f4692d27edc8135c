// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults

/// Who is ahead, row by row, computed from the figures alone.
struct Comparison {
    /// How a comparison ended, seen from the product.
    enum Outcome {
        case wins, loses, undecided
    }

    /// One figure of one row: the product in one protocol, by its better engine, and the best of the others.
    struct Verdict {
        let row: BenchmarkResults.Workload
        let figure: Figure
        let family: String
        let ours: BenchmarkResults.Server
        let ourSpread: Spread
        let theirs: BenchmarkResults.Server
        let theirSpread: Spread

        /// How many times better the product is by its median; below 1 it is worse.
        var factor: Double {
            figure.lessIsBetter
                ? theirSpread.median / ourSpread.median : ourSpread.median / theirSpread.median
        }

        /// How many times better whoever is better is.
        var lead: Double { factor >= 1 ? factor : 1 / factor }

        /// Undecided within five per cent, and where repetitions of one reach into those of the other.
        var outcome: Outcome {
            let overlaps =
                ourSpread.count > 1 && theirSpread.count > 1 && ourSpread.minimum <= theirSpread.maximum
                && theirSpread.minimum <= ourSpread.maximum
            if overlaps || lead < 1.05 { return .undecided }
            return factor > 1 ? .wins : .loses
        }
    }

    /// All verdicts, in the order of figures and rows.
    let verdicts: [Verdict]

    init(_ results: BenchmarkResults) {
        let families = results.servers.filter(\.isProduct).map(\.family).uniqued
        verdicts = Figure.compared.flatMap { figure in
            results.rows.flatMap { row in
                families.compactMap { family in
                    let ours = results.best(of: figure, in: row) { $0.isProduct && $0.family == family }
                    let theirs = results.best(of: figure, in: row) { !$0.isProduct }
                    guard let ours, let theirs else { return nil }
                    return Verdict(
                        row: row,
                        figure: figure,
                        family: family,
                        ours: ours.server,
                        ourSpread: ours.spread,
                        theirs: theirs.server,
                        theirSpread: theirs.spread
                    )
                }
            }
        }
    }

    /// The verdicts that ended one way, the widest lead first.
    func ending(_ outcome: Outcome) -> [Verdict] {
        verdicts.filter { $0.outcome == outcome }.sorted { $0.lead > $1.lead }
    }

    /// The verdicts about one figure.
    func about(_ figure: Figure) -> [Verdict] { verdicts.filter { $0.figure == figure } }
}

extension BenchmarkResults {
    /// The median and spread of a figure where it means something and is above zero.
    ///
    /// A row about memory delivers nothing: it has no rate and no CPU per delivery.
    func spread(_ figure: Figure, _ row: Workload, _ server: Server) -> Spread? {
        guard let cell = cell(row, server), let spread = cell.spread(figure.key), spread.median > 0 else { return nil }
        let isAboutMemory = cell.spread(Figure.memory.key) != nil
        if isAboutMemory, figure == .processor || figure == .rate || figure == .peak { return nil }
        // At a fixed rate deliveries per second say what was asked for.
        if figure == .rate, cell.spread("rate") != nil { return nil }
        return spread
    }

    /// The rows in which at least one server has a figure.
    func rows(with figure: Figure) -> [Workload] {
        rows.filter { row in servers.contains { spread(figure, row, $0) != nil } }
    }

    /// The server with the best median.
    func best(
        of figure: Figure,
        in row: Workload,
        where isWanted: (Server) -> Bool = { _ in true }
    ) -> (server: Server, spread: Spread)? {
        var best: (server: Server, spread: Spread)?
        for server in servers where isWanted(server) {
            guard let spread = spread(figure, row, server) else { continue }
            guard let leader = best?.spread.median else {
                best = (server, spread)
                continue
            }
            if figure.lessIsBetter ? spread.median < leader : spread.median > leader { best = (server, spread) }
        }
        return best
    }

    /// Marks of a cell: `*` where the load generator was the limit, `~` where the machine was not quiet.
    func marks(_ row: Workload, _ server: Server) -> String {
        guard let cell = cell(row, server) else { return "" }
        let isBound = (cell.spread("loadShare")?.median ?? 0) > 0.9 && (cell.spread("serverShare")?.median ?? 1) < 0.9
        // The load generator is alone on its core, so its waiting is somebody else's doing.
        let isDisturbed = (cell.spread("loadWaitShare")?.median ?? 0) > 0.05
        return (isBound ? "*" : "") + (isDisturbed || isApart(cell) ? "~" : "")
    }
}

extension Sequence where Element: Hashable {
    /// Each element once, in order.
    var uniqued: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
