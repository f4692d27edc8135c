// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchReport
import BenchResults
import Foundation
import Testing

@Suite("Two comparisons", .timeLimit(.minutes(1)))
struct AgreementTests {
    @Test("agree where they are the same")
    func same() throws {
        let results = try Sample.results()
        let text = Agreement(results, against: results).text
        let counts = text.matches(of: /within 10 % in (\d+) of (\d+)/).map { ($0.output.1, $0.output.2) }
        #expect(counts.count == 1 && counts[0].0 == counts[0].1 && counts[0].0 != "0")
        #expect(text.split(separator: "\n").count == 2)
    }

    @Test("name what is more than a tenth apart, in either direction, the farthest first")
    func apart() throws {
        let old = try Sample.results()
        var new = old
        let figure = "serverMicroseconds"
        for (index, factor) in [1.05, 1.3, 0.5].enumerated() {
            for repetition in new.cells[index].repetitions.indices {
                new.cells[index].repetitions[repetition][figure]? *= factor
            }
        }
        let lines = Agreement(new, against: old).text.split(separator: "\n").dropFirst(2)
        #expect(lines.map { $0.prefix(6) } == ["  0.50", "  1.30"])
        #expect(lines.first?.contains(new.cells[2].server) == true)
    }

    @Test("are not held against each other where the cores were apart in one alone")
    func displaced() throws {
        let old = try Sample.results()
        var new = old
        new.leastCoreRoundTrip = 50
        for repetition in new.cells[0].repetitions.indices {
            new.cells[0].repetitions[repetition]["coreRoundTrip"] = 320
            new.cells[0].repetitions[repetition]["serverMicroseconds"]? *= 1.3
        }
        let text = Agreement(new, against: old).text
        #expect(text.contains("In 1 more the cores were farther apart in one of the two."))
        #expect(!text.contains("  1.30"))
    }

    @Test("have nothing in common where rows were given other arguments")
    func otherRows() throws {
        let old = try Sample.results()
        var new = old
        for index in new.rows.indices { new.rows[index].arguments.append("--other") }
        #expect(Agreement(new, against: old).text == "The two have no row in common.\n")
    }
}
