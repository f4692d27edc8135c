// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BenchReport
import BenchResults
import CLoad
import Foundation
import LoadReport

/// `belfry-bench`: the product against redis, NATS and mosquitto, on this machine, in one run.
@main
struct BelfryBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "belfry-bench",
        abstract: "Measures belfry on epoll and on io_uring beside redis, NATS and mosquitto.",
        discussion: """
            Every run has a server of its own on core 0 (with two loops on two cores, if there are three) and the load \
            generator on the last core. Servers take turns within a row, another one first in each repetition, and \
            rows within a repetition; figures are medians over the repetitions. CPU is the threads' schedstat.

            Rows: \(Row.all.map(\.name).joined(separator: ", "))
            Servers: \(Contender.all.map(\.name).joined(separator: ", "))
            """
    )

    @Option(help: "The belfry program; without it belfry is left out.") var belfry: String?
    @Option(help: "More arguments for `belfry serve`, separated by spaces.") var belfryArguments = ""
    @Option(help: "Repetitions; the median counts (default 3, quick 1).") var `repeat`: Int?
    @Option(help: "Seconds measured per run (default 0.3; thrice that for a fixed rate).") var seconds = 0.3
    @Flag(help: "Short runs, once: a look, not a measurement.") var quick = false
    @Flag(help: "Every row and every server (40 minutes), not a selection (5 minutes).") var full = false
    @Flag(help: "Count kernel entries in every repetition, not in the first alone.") var entries = false
    @Flag(inversion: .prefixedNo, help: "Look with perf where the time goes in rows that miss their goal.")
    var profiles = true
    @Option(help: "Ends about then, with fewer repetitions if need be (default 5, full 40).") var minutes: Double?
    @Flag(inversion: .prefixedNo, help: "Repeat runs made while a virtual machine's host kept the two cores apart.")
    var nearCores = true
    @Option(name: .customLong("only"), help: "Only rows whose name begins so; may be repeated.") var only: [String] = []
    @Option(help: "Only these servers, separated by commas.") var servers: String?
    @Option(help: "Nice value of servers and load (default -20 where that is allowed, else 0).") var nice: Int?
    @Flag(inversion: .prefixedNo, help: "Have idle cores poll, so that waking one costs the same each time (root).")
    var idlePolling = true
    @Option(help: "Directory of results, a folder per comparison, or a .json file (default Benchmarks/results).")
    var output: String?

    func validate() throws {
        guard (1...99).contains(self.repeat ?? 1) else { throw ValidationError("repeat must be 1...99") }
        guard (-20...19).contains(nice ?? 0) else { throw ValidationError("nice must be -20...19") }
    }

    mutating func run() throws {
        // Debian keeps servers where only root's path goes; some of the product's stand beside this program.
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin"
        setenv("PATH", "\(ownDirectory.path):\(path):/usr/sbin", 1)
        let rows = Row.all.filter { row in
            only.isEmpty ? full || row.isQuick : only.contains { row.name.hasPrefix($0) }
        }
        let contenders = try chosenContenders()
        guard !rows.isEmpty, !contenders.isEmpty else { throw ValidationError("nothing to measure") }
        let logs = FileManager.default.temporaryDirectory.appendingPathComponent("belfry-bench-\(getpid())")
        try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: logs) }
        let niceness = nice ?? (setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, -20) == 0 ? -20 : 0)
        // Ends with this program.
        let idlePolls = idlePolling && cload_keep_processors_awake() >= 0
        if idlePolling, !idlePolls {
            let reason = String(cString: strerror(errno))
            say("idle cores sleep, and waking them costs more in one run than in another: \(reason)")
        }
        let runner = Runner(
            belfry: belfry ?? "belfry",
            extra: belfryArguments.split(separator: " ").map(String.init),
            load: try loadProgram(),
            seconds: seconds,
            cores: ProcessInfo.processInfo.activeProcessorCount,
            niceness: niceness,
            watchesCores: nearCores,
            logs: logs
        )
        // Servers inherit it.
        _ = cload_raise_descriptor_limit()
        if !runner.isPinned { say("one core only: server and load share it, the figures mean little") }

        var frame = frame(rows, contenders, runner, idlePolls: idlePolls)
        let file = try resultsFile(frame.date)
        let began = Date()
        let limit = (minutes ?? (full ? 40 : 5)) * 60
        var session = Session(
            rows: rows,
            contenders: contenders,
            runner: runner,
            takes: takes,
            repetitions: repetitions,
            countsEntries: entries,
            deadline: began + limit - (profiles ? limit / 12 : 0),
            patience: quick ? 0 : limit / 10
        )
        try session.run { try $0.write(in: frame, seconds: Date().timeIntervalSince(began), to: file) }
        let results = session.results
        if profiles {
            try explain(&frame, of: file, rows, contenders, runner)
            try results.write(in: frame, seconds: Date().timeIntervalSince(began), to: file)
        }
        let page = file.deletingLastPathComponent().appendingPathComponent("report.html")
        try Data(HTMLReport(BenchmarkResults(contentsOf: file)).text.utf8).write(to: page)
        print(Tables(results: results, rows: rows, contenders: contenders).text)
        print("\(Format.fixed(Date().timeIntervalSince(began), 0)) s; every run's figures are in \(file.path)")
        print("As a page: \(page.path)")
        if results.hasErrors { throw ExitCode.failure }
    }

    /// Looks where the time goes in the rows that miss their goal against the others.
    private func explain(
        _ frame: inout BenchmarkResults,
        of file: URL,
        _ rows: [Row],
        _ contenders: [Contender],
        _ runner: Runner
    ) throws {
        // The worst, so that it takes seconds.
        let wanted = Goals(try BenchmarkResults(contentsOf: file)).unexplained.prefix(full ? 12 : 4)
        var runs: [(row: String, server: String)] = []
        for (row, servers) in wanted {
            for server in servers where !runs.contains(where: { $0 == (row, server) }) { runs.append((row, server)) }
        }
        guard !runs.isEmpty else { return }
        var progress = Progress(total: runs.count)
        defer { progress.end() }
        var found: [Profile] = []
        for run in runs {
            guard let row = rows.first(where: { $0.name == run.row }),
                let contender = contenders.first(where: { $0.name == run.server })
            else { continue }
            progress.start("where the time goes: \(row.title) on \(contender.name)")
            do {
                let profiler = Profiler(folder: runner.logs)
                guard let profile = try runner.profile(row, on: contender, with: profiler) else {
                    throw BenchError("perf took no sample")
                }
                found.append(profile)
                progress.finish("profile \(row.name) \(contender.name): \(profile.samples) samples")
            } catch {
                frame.profileFault =
                    "Where the time goes could not be seen in \(row.title), \(contender.name): \(error)"
                progress.finish("profile \(row.name) \(contender.name): FAILED: \(error)")
            }
        }
        frame.profiles = found
    }

    /// The file that was named, or one in a folder of its own.
    private func resultsFile(_ date: Date) throws -> URL {
        let named = output.map { URL(fileURLWithPath: $0) }
        if let named, named.pathExtension == "json" { return named }
        let directory = named.map { ResultsDirectory($0) } ?? .standard()
        return try directory.makeFolder(for: date).appendingPathComponent(ResultsDirectory.fileName)
    }

    private func takes(_ contender: Contender, _ row: Row) -> Bool {
        contender.takes(row, isNamed: servers != nil, isFull: full || !only.isEmpty)
    }

    private var repetitions: Int { self.repeat ?? (quick ? 1 : 3) }

    /// Where and how it is measured, without figures.
    private func frame(
        _ rows: [Row],
        _ contenders: [Contender],
        _ runner: Runner,
        idlePolls: Bool
    ) -> BenchmarkResults {
        let package = ResultsDirectory.standard().url.deletingLastPathComponent()
        var frame = BenchmarkResults(
            machine: .current(),
            options: BenchmarkResults.Options(
                arguments: Array(CommandLine.arguments.dropFirst()),
                repetitions: repetitions,
                seconds: seconds,
                warmUp: 0.2,
                isQuick: quick,
                isPinned: runner.isPinned,
                niceness: runner.niceness,
                idlePolls: idlePolls
            )
        )
        frame.commit = Provenance.commit(of: package)
        frame.versions = Provenance.versions(of: contenders, belfry: belfry, package: package)
        frame.rows = rows.map { BenchmarkResults.Workload(name: $0.name, title: $0.title, arguments: $0.arguments) }
        frame.servers = contenders.map { contender in
            BenchmarkResults.Server(
                name: contender.name,
                wire: contender.wire,
                isProduct: contender.isOurs,
                command: contender.command
                    + (contender.isProduct ? belfryArguments.split(separator: " ").map(String.init) : [])
            )
        }
        return frame
    }

    private func chosenContenders() throws -> [Contender] {
        let names = servers.map { $0.split(separator: ",").map(String.init) }
        if let unknown = names?.first(where: { name in !Contender.all.contains { $0.name == name } }) {
            throw ValidationError("there is no server \(unknown)")
        }
        if let belfry, !FileManager.default.isExecutableFile(atPath: belfry) {
            throw ValidationError("\(belfry) cannot be run")
        }
        return Contender.all.filter { contender in
            guard names?.contains(contender.name) ?? true else { return false }
            // The product's other protocols are measured on request, and with everything.
            if names == nil, !full, ["missioncommander", "watchbox"].contains(contender.wire) {
                return false
            }
            if contender.isOurs, !contender.isProduct { return belfry != nil }
            if contender.isProduct {
                if belfry == nil { say("\(contender.name) is left out: no --belfry") }
                return belfry != nil
            }
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin"
            let isThere = path.split(separator: ":").contains {
                FileManager.default.isExecutableFile(atPath: "\($0)/\(contender.command[0])")
            }
            if !isThere { say("\(contender.name) is left out: \(contender.command[0]) is not installed") }
            return isThere
        }
    }

    private var ownDirectory: URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    }

    /// The load generator stands beside this program.
    private func loadProgram() throws -> String {
        let path = ownDirectory.appendingPathComponent("belfry-load").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw ValidationError("\(path) is missing: build it first")
        }
        return path
    }

    private func say(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}
