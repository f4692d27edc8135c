// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Logging
import Testing

@testable import BelfryIO

@Suite("Backend selection", .timeLimit(.minutes(3)))
struct BackendSelectionTests {
    private let found = Result<IOCapabilities, IOError>.success(
        IOCapabilities(backend: .uring, features: ["multishot"])
    )
    private let refused = Result<IOCapabilities, IOError>.failure(
        IOError(.notPermitted, "io_uring_setup: seccomp said no")
    )

    @Test("automatic takes io_uring where the kernel has it")
    func automatic() throws {
        let selection = try BackendSelection(.automatic, uring: found)
        #expect(selection.backend == .uring)
        #expect(selection.features == ["multishot"])
        #expect(!selection.isFallback)
    }

    @Test("automatic falls back to epoll and keeps the kernel's reason")
    func fallback() throws {
        let selection = try BackendSelection(.automatic, uring: refused)
        #expect(selection.backend == .epoll)
        #expect(selection.isFallback)
        #expect(selection.reason.contains("seccomp said no"))
    }

    @Test("an explicit io_uring that cannot be had is an error with the reason")
    func explicit() {
        let error = #expect(throws: IOError.self) { try BackendSelection(.uring, uring: refused) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("seccomp said no") == true)
    }

    @Test("what was asked for by name is taken, whatever the probe says")
    func byName() throws {
        #expect(try BackendSelection(.uring, uring: found).backend == .uring)
        for probe in [found, refused] {
            #expect(try BackendSelection(.epoll, uring: probe).backend == .epoll)
            #expect(try BackendSelection(.simulated(seed: 1), uring: probe).backend == .simulated)
            #expect(try BackendSelection(.epoll, uring: probe).isFallback == false)
        }
    }

    @Test("the real kernel's answer leads to a group that runs", arguments: [1, 2, 3])
    func group(count: Int) async throws {
        let group = try EventLoopGroup(.automatic, count: count, logger: Logger(label: "test"))
        #expect(group.loops.count == count)
        #expect(group.loops.allSatisfy { $0.backend == group.selection.backend })
        #expect(group.selection.isFallback == (group.selection.backend == .epoll))
        await group.shutDown()
    }

    @Test(
        "the words of the command line are read",
        arguments: ["auto", "automatic", "epoll", "uring", "io_uring", "EPOLL"]
    )
    func words(_ word: String) { #expect(IOChoice(word) != nil) }

    @Test("other words are not", arguments: ["", "kqueue", "simulated", "epoll "])
    func otherWords(_ word: String) { #expect(IOChoice(word) == nil) }
}
