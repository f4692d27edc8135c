// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import Foundation

/// What was measured: the state of the sources and the versions of the programs.
enum Provenance {
    /// The repository's state, read by git from where this package is; nil without one.
    static func commit(of directory: URL) -> BenchmarkResults.Commit? {
        let git = ["git", "-C", directory.path]
        guard let text = output(of: git + ["log", "-1", "--format=%H%n%s"]) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let hash = lines.first, !hash.isEmpty else { return nil }
        let changes = output(of: git + ["status", "--porcelain", "--untracked-files=no"])
        return BenchmarkResults.Commit(
            hash: String(hash),
            subject: lines.count > 1 ? String(lines[1]) : "",
            isDirty: changes?.isEmpty == false
        )
    }

    /// The versions of the servers, of libraries that one of them is made of, and of the compiler.
    static func versions(of contenders: [Contender], belfry: String?, package: URL) -> [BenchmarkResults.Version] {
        var versions: [BenchmarkResults.Version] = []
        var seen: Set<String> = []
        for contender in contenders
        where (contender.isProduct || !contender.isOurs) && seen.insert(contender.command[0]).inserted {
            let program = contender.isProduct ? belfry ?? "belfry" : contender.command[0]
            if let library = ["nio-websocket": "swift-nio", "hummingbird-http": "hummingbird"][contender.command[0]] {
                let pins = package.appendingPathComponent("Peers/Package.resolved")
                if let version = pinned(library, in: pins) {
                    versions.append(.init(name: library, version: version))
                }
                continue
            }
            let name = contender.isProduct ? "belfry" : URL(fileURLWithPath: program).lastPathComponent
            // mosquitto tells its version with its options, and calls that a failure.
            let isOdd = name == "mosquitto"
            let words = output(of: [program, isOdd ? "-h" : "--version"], status: isOdd ? nil : 0).map { shortened($0) }
            versions.append(.init(name: name, version: words ?? "unknown"))
        }
        if let swift = output(of: ["swift", "--version"]).map({ shortened($0) }) {
            versions.append(.init(name: "swift (the compiler found here)", version: swift))
        }
        return versions
    }

    /// `Redis server v=7.0.15 sha=…` as `7.0.15`: the first word with a dot between digits, or the first line.
    private static func shortened(_ text: String) -> String {
        let line = text.split(separator: "\n").first.map(String.init) ?? ""
        if let match = line.firstMatch(of: /\d+(\.\d+)+[\w.+-]*/) { return String(match.output.0) }
        return String(line.prefix(80))
    }

    private static func pinned(_ identity: String, in file: URL) -> String? {
        struct Pins: Decodable {
            struct Pin: Decodable {
                struct State: Decodable { let version: String? }
                let identity: String
                let state: State
            }
            let pins: [Pin]
        }
        let pins = (try? Data(contentsOf: file)).flatMap { try? JSONDecoder().decode(Pins.self, from: $0) }
        return pins?.pins.first { $0.identity == identity }?.state.version
    }

    /// What a program prints, if it ends well within three seconds.
    static func output(of command: [String], status: Int32? = 0) -> String? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let deadline = Date(timeIntervalSinceNow: 3)
        // A program that does not know the option may serve instead of ending.
        while process.isRunning, Date() < deadline { usleep(10_000) }
        guard !process.isRunning else {
            process.terminate()
            return nil
        }
        if let status, process.terminationStatus != status { return nil }
        let data = (try? pipe.fileHandleForReading.readToEnd()) ?? Data()
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
