// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Foundation
import Testing

/// One Python script against the built programs: it starts them on free ports, prints a JSON line for each check, and
/// takes them with it when it ends.
struct Script {
    let name: String
    let setup: Setup

    /// What a check came to.
    struct Check: Decodable {
        let check: String
        let ok: Bool
        let detail: String
        let seconds: Double
    }

    /// Whether the programs are fast enough for a million messages in a few seconds; `BELFRY_TEST_FULL` wants it anyway.
    private static var isFull: Bool {
        #if DEBUG
        ProcessInfo.processInfo.environment["BELFRY_TEST_FULL"] != nil
        #else
        true
        #endif
    }

    /// Runs it, and fails the test for each check that failed, and if not exactly `checks` of them ran.
    func run(checks: Int, within limit: Duration = .seconds(50)) async throws {
        let arguments =
            [
                "-u", Programs.script(name),
                "--belfry", try Programs.executable("belfry"),
                "--peer", try Programs.executable("belfry-interop-peer"),
                "--io", setup.backend.rawValue,
                "--loops", "\(setup.loops)",
            ]
            + (Self.isFull ? ["--full"] : [])
        let child = try ChildProcess(Programs.python(), arguments)
        let result = try await child.result(within: limit)
        var count = 0
        for line in result.output.split(separator: "\n") {
            let check = try JSONDecoder().decode(Check.self, from: Data(line.utf8))
            count += 1
            #expect(check.ok, "\(name), \(setup): \(check.check): \(check.detail)")
        }
        #expect(count == checks, "\(name), \(setup): \(count) of \(checks) checks ran\n\(result.errors.suffix(4_000))")
        #expect(result.status == 0, "\(name), \(setup): \(result.errors.suffix(4_000))")
    }
}
