// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("The house is tidy", .timeLimit(.minutes(3)))
struct TidinessTests {
    @Test("the top level holds what it should")
    func topLevel() throws {
        let allowed: Set = [
            "Package.swift", "Package.resolved", "Sources", "Tests", "Benchmarks", "Examples", "README.md", "Makefile",
            "LICENSE",
        ]
        for name in try Repository.topLevel where !name.hasPrefix(".") {
            #expect(allowed.contains(name), "\(name) at the top level")
        }
    }

    @Test("every file begins with the project and the licence")
    func headers() throws {
        let header = """
            // Belfry: real-time messaging, library and broker.
            // SPDX-License-Identifier: Apache-2.0

            """
        for file in try Repository.everything.get() {
            let isManifest = file.path.hasSuffix("Package.swift")
            let text = isManifest ? file.lines.dropFirst().joined(separator: "\n") : file.text
            #expect(text.hasPrefix(header), "\(file.path)")
        }
    }

    @Test("no file is long")
    func length() throws {
        for file in try Repository.everything.get() {
            #expect(file.lineCount <= 700, "\(file.path) has \(file.lineCount) lines")
            if file.lineCount > 400 {
                Issue.record("\(file.path) has \(file.lineCount) lines: can it be two?", severity: .warning)
            }
        }
    }

    @Test("nothing is left over")
    func leftovers() throws {
        // In two pieces, so that this file does not name itself.
        let marks = ["TO" + "DO", "FIX" + "ME", "HA" + "CK:"]
        for file in try Repository.everything.get() {
            for (index, line) in file.lines.enumerated() {
                #expect(!marks.contains(where: line.contains), "\(file.path):\(index + 1)")
            }
        }
        // The program talks; libraries log.
        for file in try Repository.sources.get() where file.target != "belfry" {
            for (index, line) in file.code.enumerated() {
                #expect(!line.contains(#/\b(print|dump|debugPrint)\(/#), "\(file.path):\(index + 1)")
            }
        }
    }

    @Test("no file is named for nothing in particular")
    func names() throws {
        for file in try Repository.sources.get() {
            #expect(!file.path.contains(#/(Utils|Helpers?|Manager|Misc)\.swift$/#), "\(file.path)")
        }
    }

    @Test("examples are short")
    func examples() throws {
        let examples = try Repository.files(below: ["Examples/Sources"], endings: ["swift"])
        #expect(!examples.isEmpty)
        for file in examples { #expect(file.lineCount <= 60, "\(file.path) has \(file.lineCount) lines") }
    }

    @Test("the README's first snippet is one of the examples, byte for byte")
    func snippet() throws {
        let readme = try Repository.file("README.md").text
        let parts = readme.split(separator: "```swift\n", maxSplits: 1, omittingEmptySubsequences: false)
        try #require(parts.count == 2, "README.md has no Swift snippet")
        let end = try #require(parts[1].firstRange(of: "```"))
        let snippet = String(parts[1][..<end.lowerBound])
        let examples = try Repository.files(below: ["Examples/Sources"], endings: ["swift"])
        #expect(examples.contains { $0.text == snippet })
    }
}
