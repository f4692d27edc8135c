// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What the tests start: the programs beside the test bundle, and a Python that has nucosMQ.
enum Programs {
    /// Where the test bundle and the executables of the same build are.
    private static var products: URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    }

    private static var tests: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    }

    static func executable(_ name: String) throws -> String {
        let path = products.appendingPathComponent(name).path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Missing("\(path) is not there: build it with `swift build`")
        }
        return path
    }

    static func script(_ name: String) -> String { tests.appendingPathComponent("Python/\(name).py").path }

    /// `.venv/bin/python` at the package's root, else what `BELFRY_TEST_PYTHON` names.
    static func python() throws -> String {
        let root = tests.deletingLastPathComponent().deletingLastPathComponent()
        let candidates: [String?] = [
            root.appendingPathComponent(".venv/bin/python").path,
            ProcessInfo.processInfo.environment["BELFRY_TEST_PYTHON"],
        ]
        for case let path? in candidates where FileManager.default.isExecutableFile(atPath: path) { return path }
        throw Missing("no Python with nucosMQ==0.0.9: `make test` makes .venv; or name one in BELFRY_TEST_PYTHON")
    }

    /// Something that the tests need is not on this machine.
    struct Missing: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }
}
