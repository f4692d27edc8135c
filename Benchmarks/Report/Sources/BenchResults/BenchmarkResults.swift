// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// What a whole comparison found; the content of `results.json`.
public struct BenchmarkResults: Codable, Equatable, Sendable {
    /// The schema that this program writes; it reads no other.
    public static let currentSchema = 1

    /// The version of the file's layout.
    public var schema: Int
    /// When the measurement began.
    public var date: Date
    /// How long it took, in seconds.
    public var seconds: Double
    /// The sources that were measured, if they are in a repository.
    public var commit: Commit?
    /// Where it was measured.
    public var machine: Machine
    /// Programs and libraries involved, and their versions.
    public var versions: [Version]
    /// How it was measured.
    public var options: Options
    /// What was measured, in the order of the tables' columns.
    public var servers: [Server]
    /// The workloads, in the order of the tables' rows.
    public var rows: [Workload]
    /// Every row on every server that takes it.
    public var cells: [Cell]
    /// The shortest round trip between the two cores in nanoseconds; nil if nobody measured it.
    public var leastCoreRoundTrip: Double?
    /// Where the time went in rows that miss their goal; nil if nobody looked.
    public var profiles: [Profile]?
    /// Why there are no profiles, where they were wanted and could not be had.
    public var profileFault: String?

    /// Results of a comparison that begins now.
    public init(machine: Machine, options: Options) {
        schema = Self.currentSchema
        date = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded())
        seconds = 0
        self.machine = machine
        self.options = options
        versions = []
        servers = []
        rows = []
        cells = []
    }

    /// Reads a file.
    ///
    /// - Throws: `ResultsError` for another schema, what the decoder or the file system throws otherwise.
    public init(contentsOf url: URL) throws {
        let data = try Data(contentsOf: url)
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        let schema = (try? decoder.decode(Envelope.self, from: data))?.schema
        guard schema == Self.currentSchema else {
            let found = schema.map { "schema \($0)" } ?? "no schema"
            throw ResultsError("\(url.path) has \(found), this program reads \(Self.currentSchema)")
        }
        self = try decoder.decode(Self.self, from: data)
    }

    /// Writes a file, medians and spreads computed anew.
    public func write(to url: URL) throws {
        var copy = self
        copy.cells = cells.map(\.summarised)
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(copy).write(to: url, options: .atomic)
    }

    /// How many repetitions count at most, which may be fewer than were asked for.
    public var repetitions: Int { cells.map(\.repetitions.count).max() ?? 0 }

    /// How many repetitions count in cells that have any: the fewest and the most.
    public var repetitionRange: ClosedRange<Int> {
        let counts = cells.map(\.repetitions.count).filter { $0 > 0 }
        return (counts.min() ?? 0)...(counts.max() ?? 0)
    }

    /// Whether a cell was measured with the cores farther apart than others (see ``CoreDistance``).
    public func isApart(_ cell: Cell) -> Bool {
        !CoreDistance(least: leastCoreRoundTrip).isNear(cell.spread("coreRoundTrip")?.median)
    }

    /// The cell of a row and a server, if it was tried.
    public func cell(_ row: Workload, _ server: Server) -> Cell? {
        cells.first { $0.row == row.name && $0.server == server.name }
    }

    /// A part of the results, in the order they have.
    ///
    /// - Parameters:
    ///   - rows: Begins of the names of rows that stay; all of them if there is none.
    ///   - servers: Names of servers that stay; nil for all.
    public func selecting(rows wanted: [String], servers names: [String]?) -> BenchmarkResults {
        var part = self
        part.rows = rows.filter { row in wanted.isEmpty || wanted.contains { row.name.hasPrefix($0) } }
        part.servers = servers.filter { names?.contains($0.name) ?? true }
        part.cells = cells.filter { cell in
            part.rows.contains { $0.name == cell.row } && part.servers.contains { $0.name == cell.server }
        }
        return part
    }

    /// The profile of a row on a server, if there is one.
    public func profile(_ row: Workload, _ server: Server) -> Profile? {
        profiles?.first { $0.row == row.name && $0.server == server.name }
    }

    private struct Envelope: Decodable {
        let schema: Int?
    }
}

extension BenchmarkResults {
    /// A version of something that took part.
    public struct Version: Codable, Equatable, Sendable {
        /// What it is called.
        public var name: String
        /// The version, in its own words.
        public var version: String

        /// A name and a version.
        public init(name: String, version: String) {
            self.name = name
            self.version = version
        }
    }

    /// The state of the sources.
    public struct Commit: Codable, Equatable, Sendable {
        /// The commit's hash.
        public var hash: String
        /// The first line of its message.
        public var subject: String
        /// Whether tracked files differed from it.
        public var isDirty: Bool

        /// A commit as read from the repository.
        public init(hash: String, subject: String, isDirty: Bool) {
            self.hash = hash
            self.subject = subject
            self.isDirty = isDirty
        }
    }

    /// How the driver was told to measure.
    public struct Options: Codable, Equatable, Sendable {
        /// The driver's arguments, as given.
        public var arguments: [String]
        /// Repetitions of each row on each server that were asked for.
        public var repetitions: Int
        /// Seconds measured per run.
        public var seconds: Double
        /// Seconds before measuring.
        public var warmUp: Double
        /// Whether it was only a look.
        public var isQuick: Bool
        /// Whether server and load generator had a core each.
        public var isPinned: Bool
        /// Nice value of both.
        public var niceness: Int
        /// Whether idle cores polled, so that waking one cost no interrupt; nil in results of a driver that never asked.
        public var idlePolls: Bool?

        /// Options as given to the driver.
        public init(
            arguments: [String],
            repetitions: Int,
            seconds: Double,
            warmUp: Double,
            isQuick: Bool,
            isPinned: Bool,
            niceness: Int,
            idlePolls: Bool? = nil
        ) {
            self.arguments = arguments
            self.repetitions = repetitions
            self.seconds = seconds
            self.warmUp = warmUp
            self.isQuick = isQuick
            self.isPinned = isPinned
            self.niceness = niceness
            self.idlePolls = idlePolls
        }
    }

    /// A server that was measured.
    public struct Server: Codable, Equatable, Sendable {
        /// What the tables call it.
        public var name: String
        /// The wire it was spoken to in.
        public var wire: String
        /// Whether it is the product itself.
        public var isProduct: Bool
        /// How it was started.
        public var command: [String]

        /// A server as the driver knows it.
        public init(name: String, wire: String, isProduct: Bool, command: [String]) {
            self.name = name
            self.wire = wire
            self.isProduct = isProduct
            self.command = command
        }

        /// The name without the engine: columns of the product that differ in nothing else are one family.
        public var family: String {
            guard isProduct else { return name }
            return name.split(separator: "-").filter { $0 != "epoll" && $0 != "uring" }.joined(separator: "-")
        }
    }

    /// A workload.
    public struct Workload: Codable, Equatable, Sendable {
        /// What `--only` calls it.
        public var name: String
        /// What people call it.
        public var title: String
        /// What the load generator was told.
        public var arguments: [String]
        /// What the load generator was told or assumed, as `window`: `64`.
        public var settings: [String: String]

        /// A workload as the driver knows it; settings are read from the arguments.
        public init(name: String, title: String, arguments: [String]) {
            self.name = name
            self.title = title
            self.arguments = arguments
            settings = Self.settings(of: arguments)
        }

        /// The load generator's command, as `fanout`.
        public var kind: String { arguments.first ?? name }

        /// `--window 64 --spin` as `window`: `64`, `spin`: `yes`.
        private static func settings(of arguments: [String]) -> [String: String] {
            var settings: [String: String] = [:]
            var option: String?
            for argument in arguments.dropFirst() {
                if argument.hasPrefix("--") {
                    let name = String(argument.dropFirst(2))
                    settings[name] = "yes"
                    option = name
                } else if let name = option {
                    settings[name] = argument
                    option = nil
                }
            }
            return settings
        }
    }
}
