// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Arrows between targets point down", .timeLimit(.minutes(3)))
struct ArrowTests {
    @Test("every target has a layer")
    func known() throws {
        for file in try Repository.sources.get() {
            let target = try #require(file.target, "\(file.path) is in no target's folder")
            #expect(Layers.layer[target] != nil, "\(target) has no layer in Layers.swift")
        }
    }

    @Test("a target imports only targets below it")
    func imports() throws {
        for file in try Repository.sources.get() {
            guard let target = file.target, let own = Layers.layer[target] else { continue }
            for module in file.imports {
                if let other = Layers.layer[module] {
                    #expect(other < own, "\(file.path) imports \(module)")
                } else if let allowed = Layers.allowedBesides[target] {
                    #expect(allowed.contains(module), "\(file.path) imports \(module)")
                }
            }
        }
    }

    @Test("only the bottom sees C")
    func noC() throws {
        for file in try Repository.sources.get() {
            guard let target = file.target, !Layers.mayUseC.contains(target) else { continue }
            let found = file.imports.filter(Layers.cModules.contains)
            #expect(found.isEmpty, "\(file.path) imports \(found)")
        }
    }

    @Test("the manifest lets a target depend only on targets below it")
    func manifest() throws {
        let targets = Self.targets(in: try Repository.file("Package.swift").text)
        #expect(targets.contains { $0.name == "BelfryIO" } && targets.contains { $0.name == "belfry" })
        for (name, body) in targets {
            guard let own = Layers.layer[name] else {
                Issue.record("\(name) has no layer in Layers.swift")
                continue
            }
            for other in Self.quoted(in: body) where other != name {
                if let layer = Layers.layer[other] { #expect(layer < own, "\(name) depends on \(other)") }
            }
        }
    }

    /// Names and declarations of the targets that are not tests.
    private static func targets(in manifest: String) -> [(name: String, body: Substring)] {
        guard let start = manifest.firstRange(of: "    targets: [") else { return [] }
        let pattern = #/\.(target|executableTarget|testTarget|systemLibrary)\(\s*name:\s*"([^"]+)"/#
        // `.target(name:condition:)` inside a list of dependencies is no declaration: those start a line.
        let matches = manifest[start.upperBound...].matches(of: pattern).filter { match in
            manifest[..<match.range.lowerBound].last { $0 != " " } == "\n"
        }
        return matches.enumerated().compactMap { index, match in
            guard match.output.1 != "testTarget" else { return nil }
            let end = index + 1 < matches.count ? matches[index + 1].range.lowerBound : manifest.endIndex
            return (String(match.output.2), manifest[match.range.upperBound..<end])
        }
    }

    private static func quoted(in text: Substring) -> [String] {
        text.matches(of: #/"([^"]+)"/#).map { String($0.output.1) }
    }
}
