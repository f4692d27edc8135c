// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import CLoad
import Foundation
import LoadReport

/// Starts a server, loads it once and stops it.
struct Runner {
    /// The product's program.
    let belfry: String
    /// More arguments for it.
    let extra: [String]
    /// The load generator's program.
    let load: String
    /// Seconds measured, usually.
    let seconds: Double
    /// Processors of this machine; the last one is the load generator's.
    let cores: Int
    /// Whether there is a second core for the load.
    var isPinned: Bool { cores > 1 }
    /// Nice value of server and load generator.
    let niceness: Int
    /// Whether it is measured how far apart the two cores are.
    let watchesCores: Bool
    /// Where servers write what they have to say.
    let logs: URL

    /// One run on a server of its own.
    func run(_ row: Row, on contender: Contender, countsEntries: Bool) throws -> RunReport {
        guard contender.isServer else { return try runInProcess(row, contender) }
        return try withServer(contender, for: row) { server, port in
            let duration = seconds * row.patience
            return try load(row, contender, server, port, duration, entries: countsEntries ? 0.2 * row.patience : 0)
        }
    }

    /// Nanoseconds from the server's core to the load generator's and back; nil without two, or where it is not asked for.
    func coreRoundTrip() -> Double? {
        guard isPinned, watchesCores else { return nil }
        let nanoseconds = cload_core_round_trip(0, CInt(cores - 1))
        return nanoseconds > 0 ? nanoseconds : nil
    }

    /// A run that shows where the server's time goes; its figures are not looked at.
    func profile(_ row: Row, on contender: Contender, with profiler: Profiler) throws -> Profile? {
        let duration = 1.2
        return try withServer(contender, for: row) { server, port in
            try profiler.profile(server.id, row: row.name, server: contender.name, last: duration - 0.1) {
                _ = try load(row, contender, server, port, duration, entries: 0)
            }
        }
    }

    /// Starts a server, waits until it listens, and stops it in the end.
    private func withServer<Result>(
        _ contender: Contender,
        for row: Row,
        _ body: (_ server: ChildProcess, _ port: Int) throws -> Result
    ) throws -> Result {
        guard 3 * row.outstandingBytes < Self.availableBytes() else {
            throw BenchError("not run: \(row.outstandingBytes >> 20) MiB outstanding are too much for this machine")
        }
        let port = Int(cload_free_port())
        let log = logs.appendingPathComponent("\(contender.name).log").path
        let output = open(log, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
        guard port > 0, output >= 0 else { throw BenchError("no free port, or \(log) cannot be written") }
        defer { close(output) }
        let configuration = logs.appendingPathComponent("\(contender.name).conf")
        try contender.configuration?.replacing("PORT", with: "\(port)")
            .write(to: configuration, atomically: true, encoding: .utf8)
        let command = contender.arguments(port: port, belfry: belfry, extra: extra, configuration: configuration.path)
        let server = try ChildProcess(
            command,
            core: isPinned ? 0 : -1,
            cores: min(contender.loops, max(1, cores - 1)),
            niceness: niceness,
            output: output,
            errors: output
        )
        defer { server.stop() }
        try waitUntilListening(server, port: port, command: command, log: log)
        return try body(server, port)
    }

    /// Loads a server once.
    private func load(
        _ row: Row,
        _ contender: Contender,
        _ server: ChildProcess,
        _ port: Int,
        _ duration: Double,
        entries: Double
    ) throws -> RunReport {
        var arguments = [load] + row.arguments
        arguments += [
            "--wire", contender.wire, "--port", "\(port)", "--pid", "\(server.id)", "--label", contender.name,
        ]
        if row.isTimed { arguments += ["--warmup", "0.2", "--seconds", "\(duration)"] }
        if row.takesEntries { arguments += ["--entries", entries > 0 ? "\(entries)" : "0"] }
        let before = coreRoundTrip()
        var report = try report(arguments, core: cores - 1)
        if let before, let after = coreRoundTrip() { report.coreRoundTrip = max(before, after) }
        return report
    }

    /// A workload of a program that stands beside the load generator and does it all in one process.
    private func runInProcess(_ row: Row, _ contender: Contender) throws -> RunReport {
        let program = URL(fileURLWithPath: load).deletingLastPathComponent().appendingPathComponent(
            contender.command[0]
        )
        guard FileManager.default.isExecutableFile(atPath: program.path) else {
            throw BenchError("\(program.path) is missing: build it first")
        }
        var arguments = [program.path] + row.arguments + contender.command.dropFirst()
        arguments += ["--folder", logs.path, "--label", contender.name, "--seconds", "\(seconds)"]
        return try report(arguments, core: 0)
    }

    /// Memory that can still be had, in bytes.
    private static func availableBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1_024 } ?? .max
    }

    private func report(_ arguments: [String], core: Int) throws -> RunReport {
        let text = try outputOf(arguments, core: core)
        guard let report = try? JSONDecoder().decode(RunReport.self, from: text) else {
            throw BenchError("\(arguments[0]) printed no report")
        }
        return report
    }

    private func waitUntilListening(_ server: ChildProcess, port: Int, command: [String], log: String) throws {
        for _ in 0..<500 {
            if let status = server.status() { throw failure("ended with status \(status)", command, log) }
            let probe = cload_connect("127.0.0.1", UInt16(port), 1)
            if probe >= 0 {
                close(probe)
                // What it does for its first connection should not be part of a measurement.
                usleep(50_000)
                return
            }
            usleep(10_000)
        }
        throw failure("does not listen after 5 s", command, log)
    }

    private func failure(_ what: String, _ command: [String], _ log: String) -> BenchError {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return BenchError("\(command.joined(separator: " ")) \(what)\n" + String(text.suffix(500)))
    }

    private func outputOf(_ arguments: [String], core: Int) throws -> Data {
        let pipe = Pipe()
        let path = logs.appendingPathComponent("load.log").path
        let errors = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(errors) }
        let child = try ChildProcess(
            arguments,
            core: isPinned ? core : -1,
            niceness: niceness,
            output: pipe.fileHandleForWriting.fileDescriptor,
            errors: errors
        )
        try pipe.fileHandleForWriting.close()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        let status = child.wait()
        guard status == 0 else {
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            throw BenchError("the load generator ended with status \(status): \(text.suffix(500))")
        }
        return data
    }
}
