// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import CLoad
import Foundation

/// Samples a server's call stacks while it is under load, with perf.
struct Profiler {
    /// Where perf writes its samples.
    let folder: URL
    /// Samples per second: odd, so that they do not beat with timers.
    private let frequency = 1_999

    /// Samples a process for as long as something else takes.
    ///
    /// A virtual machine often has no counters of its own: the clock's interrupts do everywhere.
    ///
    /// - Parameters:
    ///   - seconds: How much of its end is looked at.
    /// - Returns: The profile; nil without any sample.
    func profile(_ process: CInt, row: String, server: String, last seconds: Double, during work: () throws -> Void)
        throws -> Profile?
    {
        let output = try log()
        defer { close(output) }
        let recorder = try ChildProcess(
            [
                "perf", "record", "-q", "-e", "cpu-clock", "-F", "\(frequency)", "-g", "--timestamp-boundary",
                "-p", "\(process)", "-o", file.path,
            ],
            core: -1,
            niceness: 0,
            output: output,
            errors: output
        )
        var isRunning = true
        defer { if isRunning { recorder.stop() } }
        let began = Date()
        try work()
        let part = max(0, 1 - seconds / Date().timeIntervalSince(began))
        kill(recorder.id, SIGINT)
        isRunning = false
        // It ends with the signal that ended it.
        guard [0, 128 + SIGINT].contains(recorder.wait()) else { throw BenchError("perf record failed: \(said)") }
        guard var profile = Profile(row: row, server: server, stacks: try stacks(from: part)) else { return nil }
        profile.functions = profile.functions.map { .init(name: readable($0.name), share: $0.share) }
        return profile
    }

    /// A Swift function's name as people write it; any other as it is, and where there is no toolchain.
    private func readable(_ name: String) -> String {
        guard name.hasPrefix("$s") else { return name }
        let text = Provenance.output(of: ["swift", "demangle", "--compact", "--simplified", name])
        return text?.split(separator: "\n").first.map(String.init) ?? name
    }

    /// The stacks of the rest of the time, from a share of it on.
    private func stacks(from part: Double) throws -> String {
        let text = folder.appendingPathComponent("stacks.txt")
        let output = open(text.path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw BenchError("\(text.path) cannot be written") }
        let errors = try log()
        defer {
            close(output)
            close(errors)
        }
        // Names of inlined functions take minutes to find.
        let script = try ChildProcess(
            [
                "perf", "script", "-i", file.path, "-F", "ip,sym,dso", "--no-inline",
                "--time", "\(Int(part * 100))%-100%",
            ],
            core: -1,
            niceness: 0,
            output: output,
            errors: errors
        )
        guard script.wait() == 0 else { throw BenchError("perf script failed: \(said)") }
        return try String(contentsOf: text, encoding: .utf8)
    }

    /// The last that perf said.
    var said: String {
        let text = (try? String(contentsOf: folder.appendingPathComponent("perf.log"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").first.map(String.init) ?? "it said nothing"
    }

    private var file: URL { folder.appendingPathComponent("perf.data") }

    private func log() throws -> CInt {
        let path = folder.appendingPathComponent("perf.log").path
        let descriptor = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw BenchError("\(path) cannot be written") }
        return descriptor
    }
}
