// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

extension BackendContract {
    @Suite("accepting") struct Accepting {
        @Test(
            "a burst of 500 connections is accepted, each once, and each can be talked to",
            arguments: BackendKind.allCases
        )
        func burst(_ backend: BackendKind) async throws {
            try require(backend)
            DescriptorLimit.raise()
            try await withLoop(backend) { bench in
                let server = bench.recorder()
                let client = bench.recorder()
                let (_, address) = try bench.listen(server)
                var handles: [IOHandle] = []
                for _ in 0..<500 { handles.append(try bench.loop.connect(to: address, handler: client)) }
                try await bench.until("500 connections") {
                    server.accepted.count == 500 && client.connected.count == 500
                }
                #expect(Set(server.accepted).count == 500)
                for handle in handles { bench.send([7], on: handle) }
                try await bench.until("a byte of each") { server.byteCount == 500 }
                #expect(server.bytes.count == 500)
                #expect(bench.loop.statistics.openHandles == 1001)
                #expect(bench.loop.statistics.leasedBuffers == 0)
            }
        }

        @Test("a burst beyond the turn's budget is accepted over several turns", arguments: BackendKind.allCases)
        func budget(_ backend: BackendKind) async throws {
            try require(backend)
            var options = IOOptions()
            options.maxAcceptsPerTurn = 4
            try await withLoop(backend, options: options) { bench in
                let server = bench.recorder()
                let client = bench.recorder()
                let (_, address) = try bench.listen(server)
                for _ in 0..<50 { _ = try bench.loop.connect(to: address, handler: client) }
                try await bench.until("50 connections") { server.accepted.count == 50 }
                #expect(server.failed.isEmpty && client.failed.isEmpty)
            }
        }

        @Test("a listener whose handler closes what it accepts leaves nothing open", arguments: BackendKind.allCases)
        func refusing(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let server = bench.recorder()
                let client = bench.recorder()
                let loop = bench.loop
                server.onAccept = { loop.close($0) }
                let (_, address) = try bench.listen(server)
                for _ in 0..<20 {
                    let handle = try loop.connect(to: address, handler: client)
                    loop.startReceiving(handle)
                }
                try await bench.until("20 ends") { client.ended.count + client.failed.count == 20 }
                #expect(server.closed.count == 20)
                #expect(loop.statistics.openHandles == 21)
            }
        }

        @Test("an address that is taken cannot be listened on", arguments: BackendKind.allCases)
        func taken(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let (_, address) = try bench.listen(bench.recorder())
                let error = #expect(throws: IOError.self) {
                    try bench.loop.listen(on: address, handler: bench.recorder())
                }
                #expect(error?.code == .addressInUse)
                #expect(bench.loop.statistics.openHandles == 1)
            }
        }
    }
}
