// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("What the compiler can't check is rare and explained", .timeLimit(.minutes(3)))
struct SafetyTests {
    /// Where a promise about threads is made by hand.
    static let unchecked: Set = [
        "Sources/BelfryIO/Backend/FrameChunk.swift",
        "Sources/BelfryIO/Backend/LoopWaker.swift",
        "Sources/BelfryIO/Loop/EventLoop.swift",
        "Sources/BelfryIO/Loop/Lock.swift",
        "Sources/BelfryIO/Loop/LoopConfined.swift",
        "Sources/BelfryIO/Loop/LoopStarter.swift",
    ]

    /// Where a broken promise of our own, never of a peer, ends the program.
    static let trapping: Set = [
        "Sources/BelfryIO/Loop/EventLoop.swift",
        "Sources/BelfryIO/Loop/Lock.swift",
        "Sources/BelfryIO/Loop/Parker.swift",
    ]

    @Test("promises about threads are on the list and say why they hold")
    func unchecked() throws {
        for file in try Repository.sources.get() {
            for (index, line) in file.code.enumerated()
            where line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") {
                let place = "\(file.path):\(index + 1)"
                #expect(Self.unchecked.contains(file.path), "\(place) is not on the list")
                #expect(file.isExplained(at: index, by: "Safe because"), "\(place) does not say `Safe because`")
            }
        }
    }

    @Test("the lists name only files that need it")
    func lists() throws {
        let files = try Repository.sources.get()
        for path in Self.unchecked {
            let code = files.first { $0.path == path }?.code ?? []
            #expect(code.contains { $0.contains("@unchecked") || $0.contains("nonisolated(unsafe)") }, "\(path)")
        }
        for path in Self.trapping {
            let code = files.first { $0.path == path }?.code ?? []
            #expect(code.contains { line in Self.traps.contains(where: line.contains) }, "\(path)")
        }
    }

    @Test("above the I/O library nothing is unsafe")
    func unsafe() throws {
        for file in try Repository.sources.get() {
            guard let target = file.target, !Layers.mayBeUnsafe.contains(target) else { continue }
            for (index, line) in file.code.enumerated() {
                #expect(!line.contains(#/\bunsafe\b/#), "\(file.path):\(index + 1)")
            }
        }
    }

    private static let traps = ["fatalError(", "precondition(", "preconditionFailure(", "try!", "as!"]

    @Test("nothing traps on purpose outside the list")
    func traps() throws {
        for file in try Repository.sources.get() where !Self.trapping.contains(file.path) {
            for (index, line) in file.code.enumerated() {
                #expect(!Self.traps.contains(where: line.contains), "\(file.path):\(index + 1)")
            }
        }
    }
}
