// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// Where results are kept: a folder per comparison, with `results.json` and what was made of it.
public struct ResultsDirectory: Sendable {
    /// The name of the file with the figures.
    public static let fileName = "results.json"

    /// The directory.
    public let url: URL

    /// A directory that was named.
    public init(_ url: URL) {
        self.url = url
    }

    /// The directory a program of this package uses unless told otherwise: `results` beside its build folder, or in
    /// the current directory if it was built elsewhere.
    public static func standard() -> ResultsDirectory {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        if let build = program.pathComponents.lastIndex(where: { $0.hasPrefix(".build") }) {
            let package = NSString.path(withComponents: Array(program.pathComponents[..<build]))
            return ResultsDirectory(URL(fileURLWithPath: package).appendingPathComponent("results"))
        }
        return ResultsDirectory(URL(fileURLWithPath: "results"))
    }

    /// Makes the folder of a comparison, named by when it began.
    public func makeFolder(for date: Date) throws -> URL {
        let name = ISO8601DateFormatter().string(from: date).replacing(":", with: "")
        let folder = url.appendingPathComponent(name, isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    /// The file of the comparison that began last; files that cannot be read are passed over, nil if none is left.
    public func newest() -> URL? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        let files =
            [url.appendingPathComponent(Self.fileName)]
            + names.map { url.appendingPathComponent($0).appendingPathComponent(Self.fileName) }
        let dated = files.compactMap { file in
            (try? BenchmarkResults(contentsOf: file)).map { (file: file, date: $0.date) }
        }
        return dated.max { $0.date < $1.date }?.file
    }
}
