// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import Testing

@testable import BenchReport

@Suite("Who is ahead", .timeLimit(.minutes(1)))
struct ComparisonTests {
    @Test("where another server is better, it says who and by how much")
    func losses() throws {
        let lost = Comparison(try Sample.results()).ending(.loses)
        #expect(lost.map(\.figure.key) == ["serverMicroseconds", "deliveriesPerSecond", "p50", "p99", "p999"])
        #expect(lost.allSatisfy { $0.row.name == "fanout-100-1" && $0.theirs.name == "redis" })
        let first = try #require(lost.first)
        // The better of the two engines counts.
        #expect(first.ours.name == "belfry-epoll")
        #expect(first.lead == 2)
        #expect(first.factor == 0.5)
        #expect(first.sentenceEnd == "redis is 2.00× better: 2.10 µs against 4.20 µs of belfry-epoll")
    }

    @Test("where Belfry is better, the widest lead comes first")
    func wins() throws {
        let won = Comparison(try Sample.results()).ending(.wins)
        #expect(won.first?.figure == .memory)
        #expect(won.map(\.lead) == won.map(\.lead).sorted(by: >))
        #expect(
            won.contains {
                $0.figure == .processor && $0.row.name == "fanout-100-64" && (2.999...3.001).contains($0.lead)
            }
        )
    }

    @Test("repetitions that reach into the other's, and equal figures, are undecided")
    func undecided() throws {
        let open = Comparison(try Sample.results()).ending(.undecided)
        #expect(Set(open.map(\.row.name)) == ["pair"])
        #expect(open.contains { $0.figure == .processor })
    }

    @Test("a row about memory has neither a rate nor CPU per delivery")
    func memoryRows() throws {
        let results = try Sample.results()
        #expect(results.rows(with: .memory).map(\.name) == ["idle"])
        #expect(!results.rows(with: .processor).contains { $0.name == "idle" })
        #expect(!results.rows(with: .rate).contains { $0.name == "idle" })
    }

    @Test("rows that differ in one number are a line")
    func growth() throws {
        let growths = Growth.all(in: try Sample.results())
        #expect(growths.count == 1)
        let growth = try #require(growths.first)
        #expect(growth.parameter == "window")
        #expect(growth.subject == "fan-out (100 subscribers, 128 bytes)")
        #expect(growth.points.map(\.value) == [1, 64])
    }

    @Test("rows without a server in common are no line")
    func noGrowth() throws {
        var results = try Sample.results()
        results.cells.removeAll { ($0.row == "fanout-100-1") == ($0.server == "redis") }
        #expect(Growth.all(in: results).isEmpty)
    }

    @Test("where only Belfry was measured, nobody wins")
    func alone() throws {
        var results = try Sample.results()
        results.cells.removeAll { $0.row == "pair" && !$0.server.hasPrefix("belfry") }
        #expect(Comparison(results).verdicts.allSatisfy { $0.row.name != "pair" })
    }
}
