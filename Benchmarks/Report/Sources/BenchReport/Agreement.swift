// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BenchResults
import LoadReport

/// How far two comparisons agree in server CPU per delivery: two of one commit show the machine's noise, of two commits what
/// changed.
public struct Agreement {
    /// A row on a server that both have.
    struct Pair {
        let row: String
        let server: String
        let isProduct: Bool
        let old: Double
        let new: Double

        /// The new figure as a multiple of the old one.
        var ratio: Double { new / old }
        /// How far apart the two are, as a share of the smaller.
        var distance: Double { max(ratio, 1 / ratio) - 1 }
    }

    /// How far apart two figures may be that agree.
    static let tolerance = 0.1

    let pairs: [Pair]
    /// Those that can't be compared: in one of the two alone the cores were apart (see ``CoreDistance``).
    let displaced: Int

    /// What two comparisons have in common.
    public init(_ new: BenchmarkResults, against old: BenchmarkResults) {
        var displaced = 0
        pairs = new.rows.flatMap { row in
            new.servers.compactMap { server -> Pair? in
                guard let mine = new.spread(.processor, row, server),
                    let oldRow = old.rows.first(where: { $0.name == row.name && $0.arguments == row.arguments }),
                    let oldServer = old.servers.first(where: { $0.name == server.name }),
                    let theirs = old.spread(.processor, oldRow, oldServer)
                else { return nil }
                if let ours = new.cell(row, server), let others = old.cell(oldRow, oldServer),
                    new.isApart(ours) != old.isApart(others)
                {
                    displaced += 1
                    return nil
                }
                return Pair(
                    row: row.title,
                    server: server.name,
                    isProduct: server.isProduct,
                    old: theirs.median,
                    new: mine.median
                )
            }
        }
        self.displaced = displaced
    }

    /// The count of those that agree, and each one that does not, the farthest apart first.
    public var text: String {
        guard !pairs.isEmpty else { return "The two have no row in common.\n" }
        let apart = pairs.filter { $0.distance > Self.tolerance }.sorted { $0.distance > $1.distance }
        let ours = pairs.filter(\.isProduct)
        let percent = Format.percent(Self.tolerance).dropLast()
        var text = "Server CPU per delivery is within \(percent) % in \(words(pairs)); of Belfry's in \(words(ours)).\n"
        if displaced > 0 { text += "In \(displaced) more the cores were farther apart in one of the two.\n" }
        if let middle = Spread(ours.map(\.ratio)) {
            text += "Belfry takes \(Format.fixed(middle.median, 3)) times as much as before in the middle case.\n"
        }
        for pair in apart {
            text += "  \(Format.fixed(pair.ratio, 2))  \(pair.row) on \(pair.server): "
            text += "\(Figure.processor.text(pair.old)), now \(Figure.processor.text(pair.new))\n"
        }
        return text
    }

    private func words(_ pairs: [Pair]) -> String {
        "\(pairs.filter { $0.distance <= Self.tolerance }.count) of \(pairs.count)"
    }
}
