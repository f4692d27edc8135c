// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Glibc
import Testing

extension BackendContract {
    @Suite("descriptors") struct Descriptors {
        @Test("accepting resumes when descriptors come back, without spinning", arguments: BackendKind.allCases)
        func starvation(_ backend: BackendKind) async throws {
            try require(backend)
            await #expect(processExitsWith: .success) { [backend] in
                try await starve(backend)
            }
        }

        @Test("a loop's life leaves no descriptor open", arguments: BackendKind.allCases)
        func leaks(_ backend: BackendKind) async throws {
            try require(backend)
            await #expect(processExitsWith: .success) { [backend] in
                try await liveAndDie(backend)
                let before = DescriptorLimit.openCount()
                for _ in 0..<5 { try await liveAndDie(backend) }
                // The last one's eventfd goes with the loop object, whose thread lets go of it just after the end.
                for _ in 0..<2000 where DescriptorLimit.openCount() > before { await Task.yield() }
                try #require(DescriptorLimit.openCount() <= before)
            }
        }
    }
}

private func starve(_ backend: BackendKind) async throws {
    DescriptorLimit.lower(to: 128)
    var options = IOOptions()
    options.simulatedFaults.maxDescriptors = 5
    try await withLoop(backend, options: options) { bench in
        let loop = bench.loop
        let server = bench.recorder()
        let client = bench.recorder()
        let (_, address) = try bench.listen(server)
        // The runtime opens its clocks when it first sleeps; it would trap if it then had no descriptor.
        try await Task.sleep(for: .microseconds(1))
        try await Task.sleep(for: .microseconds(1), clock: .suspending)
        let spare = try loop.bindDatagrams(to: .loopback(port: 0), handler: client)
        var ballast = backend == .simulated ? [] : DescriptorLimit.exhaust()
        // One descriptor for each connecting end, none for accepting it.
        for _ in 0..<3 {
            if let number = ballast.popLast() { close(number) }
            _ = try loop.connect(to: address, handler: client)
        }
        let error = #expect(throws: IOError.self) { try loop.connect(to: address, handler: client) }
        try #require(error?.code == .tooManyDescriptors)
        try await bench.until("starvation") { server.starvations > 0 && client.connected.count == 3 }
        let before = loop.statistics
        await bench.pass(.milliseconds(200))
        let after = loop.statistics
        try #require(after.turns - before.turns < 40)
        try #require(after.kernelEntries - before.kernelEntries < 120)
        // The runtime may have had use for a descriptor, or have given one back: not all are accepted, that is sure.
        try #require(server.accepted.count < 3)
        // One comes back from within the loop, the others from elsewhere in the process.
        loop.close(spare)
        for number in ballast { close(number) }
        ballast = []
        if backend == .simulated {
            try await bench.until("one connection") { server.accepted.count == 1 }
            loop.close(server.accepted[0])
            try await bench.until("two connections") { server.accepted.count == 2 }
            loop.close(server.accepted[1])
        }
        try await bench.until("all connections") { server.accepted.count == 3 }
        try #require(server.failed.isEmpty)
    }
}

private func liveAndDie(_ backend: BackendKind) async throws {
    try await withLoop(backend) { bench in
        let loop = bench.loop
        let pair = try await bench.pair()
        let refused = bench.recorder()
        bench.send(.pattern(100_000), on: pair.client)
        _ = try loop.bindDatagrams(to: .loopback(port: 0), handler: refused)
        _ = try? loop.connect(to: .loopback(port: 1), handler: refused)
        _ = try? loop.listen(on: .unix(path: ""), handler: refused)
        try await bench.until("all bytes") { pair.serverSide.byteCount == 100_000 }
        let further = try await bench.pair()
        loop.close(further.client)
        bench.send(.pattern(1 << 20), on: pair.server)
    }
}
