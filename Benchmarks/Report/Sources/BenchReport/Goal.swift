// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BenchResults

/// What the product asks of itself in a row, and what came of it.
struct Goal {
    /// Against what it is measured.
    enum Kind: CaseIterable {
        /// Server CPU per delivery, against the best of redis, NATS and SwiftNIO.
        case peers
        /// Server CPU per delivery on io_uring, against epoll.
        case engines
        /// What a stuck subscriber costs the others.
        case slow
        /// Deliveries per second of two event loops, against one.
        case loops
    }

    enum Outcome {
        case met
        /// Missed by the medians; the best repetition reaches it.
        case close
        case missed
        /// This machine cannot tell.
        case untold
    }

    let kind: Kind
    let row: BenchmarkResults.Workload
    let ours: BenchmarkResults.Server
    let ourSpread: Spread
    /// With what it is compared; the stuck subscriber's cost is compared with nothing.
    let other: (server: BenchmarkResults.Server, spread: Spread)?
    /// The ratio to the other, or the figure itself, that is asked for: at most; of two loops at least.
    let bound: Double
    /// Whether there are cores enough to tell.
    var canTell = true

    /// The ratio of the medians, or the figure itself.
    var value: Double { other.map { ourSpread.median / $0.spread.median } ?? ourSpread.median }

    var outcome: Outcome {
        guard canTell else { return .untold }
        if kind == .loops { return value >= bound ? .met : best >= bound ? .close : .missed }
        if value <= bound { return .met }
        guard best <= bound else { return .missed }
        // "No worse" is asked for within the noise.
        return kind == .engines && bound == 1 ? .met : .close
    }

    /// The value by the repetitions that are kindest to the product.
    private var best: Double {
        guard let other else { return ourSpread.minimum }
        return kind == .loops
            ? ourSpread.maximum / other.spread.minimum : ourSpread.minimum / other.spread.maximum
    }
}

/// All goals that a comparison has figures for.
public struct Goals {
    let all: [Goal]

    /// The goals of some results.
    public init(_ results: BenchmarkResults) {
        let ours = results.servers.filter(\.isProduct)
        let families = ours.map(\.family).uniqued
        var all: [Goal] = []
        for row in results.rows {
            for family in families where ["belfry", "pocketsocket"].contains(family) {
                if let goal = Self.peers(results, row, family) { all.append(goal) }
            }
            for family in families {
                if let goal = Self.engines(results, row, family) { all.append(goal) }
            }
            for server in ours where server.family == "belfry" {
                if let goal = Self.slow(results, row, server) { all.append(goal) }
                if let goal = Self.loops(results, row, server) { all.append(goal) }
            }
        }
        self.all = all
    }

    /// Rows and servers of which a profile says why a goal was missed, the farthest miss first: row, product, peer.
    public var unexplained: [(row: String, servers: [String])] {
        let missed = all.filter { $0.kind == .peers && [.missed, .close].contains($0.outcome) }
        return missed.sorted { $0.value / $0.bound > $1.value / $1.bound }.compactMap { goal in
            goal.other.map { (goal.row.name, [goal.ours.name, $0.server.name]) }
        }
    }

    private static func peers(_ results: BenchmarkResults, _ row: BenchmarkResults.Workload, _ family: String) -> Goal?
    {
        guard
            let ours = results.best(of: .processor, in: row, where: { $0.isProduct && $0.family == family }),
            let theirs = results.best(of: .processor, in: row, where: { ["redis", "nats", "nio"].contains($0.name) })
        else { return nil }
        return Goal(
            kind: .peers,
            row: row,
            ours: ours.server,
            ourSpread: ours.spread,
            other: theirs,
            bound: row.peerBound
        )
    }

    private static func engines(_ results: BenchmarkResults, _ row: BenchmarkResults.Workload, _ family: String)
        -> Goal?
    {
        let pair = ["uring", "epoll"].compactMap { engine in
            results.servers.first {
                $0.isProduct && $0.family == family && $0.name.split(separator: "-").contains { $0 == engine }
            }
        }
        guard pair.count == 2, let ours = results.spread(.processor, row, pair[0]),
            let other = results.spread(.processor, row, pair[1])
        else { return nil }
        return Goal(
            kind: .engines,
            row: row,
            ours: pair[0],
            ourSpread: ours,
            other: (pair[1], other),
            bound: row.isLarge ? 0.8 : 1
        )
    }

    private static func slow(
        _ results: BenchmarkResults,
        _ row: BenchmarkResults.Workload,
        _ server: BenchmarkResults.Server
    )
        -> Goal?
    {
        guard let spread = results.cell(row, server)?.spread("slowCostPercent") else { return nil }
        return Goal(kind: .slow, row: row, ours: server, ourSpread: spread, other: nil, bound: 5)
    }

    private static func loops(
        _ results: BenchmarkResults,
        _ row: BenchmarkResults.Workload,
        _ one: BenchmarkResults.Server
    )
        -> Goal?
    {
        guard let two = results.servers.first(where: { $0.isProduct && $0.name == one.name + "-2" }),
            let ours = results.spread(.rate, row, two), let other = results.spread(.rate, row, one)
        else { return nil }
        // Two loops and the load generator want a core each.
        let cell = results.cell(row, two)
        let isBound = (cell?.spread("loadShare")?.median ?? 0) > 0.9
        return Goal(
            kind: .loops,
            row: row,
            ours: two,
            ourSpread: ours,
            other: (one, other),
            bound: 1.6,
            canTell: results.machine.cores > 2 && !isBound
        )
    }
}

extension BenchmarkResults.Workload {
    private func number(_ setting: String) -> Int { settings[setting].flatMap { Int($0) } ?? 0 }

    /// The share of the best peer's CPU that is allowed: the more leaves in one send, the less.
    fileprivate var peerBound: Double {
        if kind == "pair" { return 0.7 }
        guard kind == "fanout" || kind == "slow" else { return 1 }
        let window = number("window")
        if window >= 256 || number("subscribers") >= 1_000 { return 0.5 }
        return window >= 64 ? 0.8 : window >= 8 ? 0.95 : 1
    }

    /// Whether many sends, or large ones, leave in a turn: there io_uring has to pay.
    fileprivate var isLarge: Bool {
        kind == "fanout" && (number("subscribers") >= 1_000 || number("payload") >= 16_384)
    }
}
