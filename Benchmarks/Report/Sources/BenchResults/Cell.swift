// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The repetitions of one row on one server.
public struct Cell: Codable, Equatable, Sendable {
    /// The row's name.
    public var row: String
    /// The server's name.
    public var server: String
    /// The figures of each repetition that counts, by the load generator's names for them.
    public var repetitions: [[String: Double]]
    /// The figures of those that do not, as the cores were apart as in no other of the row's (see ``CoreDistance``).
    public var displaced: [[String: Double]]?
    /// What went wrong in repetitions that have no figures.
    public var errors: [String]
    /// Each figure's median and spread over the repetitions that have it.
    public var summary: [String: Spread]

    /// A cell; its summary is computed.
    public init(
        row: String,
        server: String,
        repetitions: [[String: Double]],
        displaced: [[String: Double]]? = nil,
        errors: [String] = []
    ) {
        self.row = row
        self.server = server
        self.repetitions = repetitions
        self.displaced = displaced
        self.errors = errors
        summary = [:]
        self = summarised
    }

    /// The same with its summary computed anew, whatever it was.
    public var summarised: Cell {
        var copy = self
        copy.summary = [:]
        for name in Set(repetitions.flatMap(\.keys)) { copy.summary[name] = spread(name) }
        return copy
    }

    /// Median and spread of a figure, from the repetitions themselves; nil if none has it.
    public func spread(_ figure: String) -> Spread? {
        Spread(repetitions.compactMap { $0[figure] })
    }
}
