// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BenchReport
import BenchResults
import Foundation

/// `belfry-report`: what `belfry-bench` found, as a page or as Markdown.
@main
struct BelfryReport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "belfry-report",
        abstract: "Renders results.json of belfry-bench as one HTML page, as Markdown, or as one picture."
    )

    @Argument(help: "A results.json, or a directory of which the newest is taken (default Benchmarks/results).")
    var results: String?
    @Option(help: "The page to write; `-` for standard output (default report.html beside the results).")
    var output: String?
    @Option(name: .customLong("only"), help: "Only rows whose name begins so; may be repeated.") var only: [String] = []
    @Option(help: "Only these servers, separated by commas.") var servers: String?
    @Flag(help: "Print the README's table and the paragraph on where others win instead.") var markdown = false
    @Option(
        help:
            "Older results.json: print where server CPU per delivery differs from theirs by more than a tenth instead."
    )
    var against: String?
    @Option(help: "An SVG file to write instead: server CPU per delivery, for a README.") var picture: String?

    func run() throws {
        let file = try chosenFile()
        let found = try BenchmarkResults(contentsOf: file).selecting(
            rows: only,
            servers: servers.map { $0.split(separator: ",").map(String.init) }
        )
        if let against {
            let old = try BenchmarkResults(contentsOf: URL(fileURLWithPath: against))
            return print(Agreement(found, against: old).text, terminator: "")
        }
        if let picture {
            guard let text = PictureReport(found).text else { throw ValidationError("there is nothing to compare") }
            try Data(text.utf8).write(to: URL(fileURLWithPath: picture), options: .atomic)
            return print(picture)
        }
        if markdown, output == nil || output == "-" {
            print(MarkdownReport(found).text, terminator: "")
            return
        }
        let text = markdown ? MarkdownReport(found).text : HTMLReport(found).text
        if output == "-" {
            print(text, terminator: "")
            return
        }
        let page =
            output.map { URL(fileURLWithPath: $0) }
            ?? file.deletingLastPathComponent().appendingPathComponent("report.html")
        try Data(text.utf8).write(to: page, options: .atomic)
        print(page.path)
    }

    private func chosenFile() throws -> URL {
        let named = results.map { URL(fileURLWithPath: $0) }
        var isDirectory: ObjCBool = false
        if let named {
            guard FileManager.default.fileExists(atPath: named.path, isDirectory: &isDirectory) else {
                throw ValidationError("there is no \(named.path)")
            }
            if !isDirectory.boolValue { return named }
        }
        let directory = named.map { ResultsDirectory($0) } ?? .standard()
        guard let newest = directory.newest() else {
            throw ValidationError("no results below \(directory.url.path): run `make bench` first")
        }
        return newest
    }
}
