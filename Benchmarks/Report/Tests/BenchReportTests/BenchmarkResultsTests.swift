// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import Foundation
import Testing

@Suite("The results file", .timeLimit(.minutes(1)))
struct BenchmarkResultsTests {
    @Test("a median is the middle value, or the mean of the middle two")
    func medians() throws {
        let odd = try #require(Spread([3, 1, 2]))
        #expect(odd.median == 2)
        #expect(odd.minimum == 1)
        #expect(odd.maximum == 3)
        #expect(odd.relative == 1)
        #expect(Spread([4, 1, 3, 2])?.median == 2.5)
        #expect(Spread([5, .nan, .infinity])?.count == 1)
        #expect(Spread([5])?.relative == nil)
        #expect(Spread([]) == nil)
    }

    @Test("what is written is read again, with medians")
    func roundTrip() throws {
        let results = try Sample.results()
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try results.write(to: file)
        let again = try BenchmarkResults(contentsOf: file)
        #expect(again.machine == results.machine)
        #expect(again.date == results.date)
        #expect(again.rows == results.rows)
        #expect(again.cells.count == results.cells.count)
        let cell = try #require(again.cell(again.rows[0], again.servers[0]))
        #expect(cell.summary["serverMicroseconds"]?.median == 4.2)
        #expect(cell.summary["serverMicroseconds"]?.minimum == 4)
    }

    @Test("a part has its rows, servers and cells, and no others")
    func selection() throws {
        let results = try Sample.results()
        let row = try #require(results.rows.last)
        let part = results.selecting(rows: [row.name], servers: ["redis"])
        #expect(part.rows == [row] && part.servers.map(\.name) == ["redis"])
        #expect(part.cells == results.cells.filter { $0.row == row.name && $0.server == "redis" })
        #expect(results.selecting(rows: [], servers: nil) == results)
    }

    @Test("another schema is refused")
    func otherSchema() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(#"{"schema": 2}"#.utf8).write(to: file)
        #expect(throws: ResultsError.self) { try BenchmarkResults(contentsOf: file) }
    }

    @Test("settings are read from the load generator's arguments")
    func settings() {
        let row = BenchmarkResults.Workload(
            name: "x",
            title: "x",
            arguments: ["fanout", "--spin", "--window", "64", "--flag"]
        )
        #expect(row.kind == "fanout")
        #expect(row.settings == ["spin": "yes", "window": "64", "flag": "yes"])
    }

    @Test(
        "columns of the product that differ in the engine alone are one family",
        arguments: [
            ("belfry-epoll", true, "belfry"), ("belfry-uring-2", true, "belfry-2"), ("nio-epoll", false, "nio-epoll"),
        ]
    )
    func families(name: String, isProduct: Bool, family: String) {
        let server = BenchmarkResults.Server(name: name, wire: "", isProduct: isProduct, command: [])
        #expect(server.family == family)
    }

    @Test("the newest comparison is the one that began last")
    func newest() throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: root) }
        let directory = ResultsDirectory(root)
        #expect(directory.newest() == nil)
        var results = try Sample.results()
        var files: [URL] = []
        for offset in [100.0, 0, 50] {
            results.date = Date(timeIntervalSince1970: 1_700_000_000 + offset)
            let file = try directory.makeFolder(for: results.date).appendingPathComponent(ResultsDirectory.fileName)
            try results.write(to: file)
            files.append(file)
        }
        #expect(directory.newest()?.path == files[0].path)
    }
}
