// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The repository that these tests are part of, as it lies on the disk.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static var topLevel: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: root.path).sorted() }
    }

    static func file(_ path: String) throws -> SourceFile {
        SourceFile(path: path, text: try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8))
    }

    /// All files with one of these endings below the folders, without what was built; symbolic links are not followed.
    static func files(below folders: [String], endings: Set<String>) throws -> [SourceFile] {
        try folders.flatMap { folder -> [SourceFile] in
            let start = root.appendingPathComponent(folder)
            guard let walk = FileManager.default.enumerator(at: start, includingPropertiesForKeys: nil) else {
                return []
            }
            var found: [SourceFile] = []
            while let url = walk.nextObject() as? URL {
                let name = url.lastPathComponent
                if name.hasPrefix(".") {
                    walk.skipDescendants()
                } else if endings.contains(url.pathExtension), !isLink(url) {
                    let path = url.standardizedFileURL.path.dropFirst(root.standardizedFileURL.path.count + 1)
                    found.append(try file(String(path)))
                }
            }
            return found
        }
    }

    private static func isLink(_ url: URL) -> Bool {
        (try? url.resourceValues(forKeys: [.isSymbolicLinkKey]).isSymbolicLink) ?? false
    }

    static let sources = Result { try files(below: ["Sources"], endings: ["swift"]) }
    static let everything = Result {
        try files(below: ["Sources", "Tests", "Benchmarks", "Examples"], endings: ["swift", "c", "h"])
            + [file("Package.swift")]
    }
}
