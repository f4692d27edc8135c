// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

extension BackendContract {
    @Suite("reset") struct Reset {
        @Test("a peer that closes with bytes unreceived breaks the connection", arguments: BackendKind.allCases)
        func unreceived(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair(serverReceives: false)
                bench.send(.pattern(1000), on: pair.client)
                for _ in 0..<3 { try await bench.turn() }
                bench.loop.close(pair.server)
                try await bench.until("a failure") { !pair.clientSide.failed.isEmpty }
                #expect(pair.clientSide.failureCodes == [.reset])
                #expect(bench.send([1], on: pair.client) == .closed)
                bench.loop.close(pair.client)
                try await bench.until("the last word") { pair.clientSide.closed == [pair.client] }
            }
        }

        @Test("a reset in the middle of a send fails it once and frees its memory", arguments: BackendKind.allCases)
        func midSend(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair(clientReceives: false, serverReceives: false)
                let chunk = ChunkWitness()
                let admission = bench.loop.send(chunk.makeBatch(bytes: 16 << 20), on: pair.client)
                #expect(admission == .queued)
                for _ in 0..<3 { try await bench.turn() }
                #expect(chunk.isAlive)
                bench.loop.close(pair.server)
                try await bench.until("a failure") { !pair.clientSide.failed.isEmpty }
                #expect(pair.clientSide.failureCodes == [.reset])
                bench.loop.close(pair.client)
                try await bench.until("closed") { pair.clientSide.closed == [pair.client] }
                try await bench.until("the chunk's end") { !chunk.isAlive }
                #expect(pair.clientSide.failed.count == 1)
            }
        }

        @Test("the simulated network resets connections by its seed")
        func seeded() async throws {
            var options = IOOptions()
            options.simulatedFaults.resets = 1
            try await withLoop(.simulated, options: options) { bench in
                let pair = try await bench.pair()
                bench.send([1], on: pair.client)
                try await bench.until("both failures") {
                    !pair.clientSide.failed.isEmpty && !pair.serverSide.failed.isEmpty
                }
                #expect(pair.clientSide.failureCodes == [.reset])
                #expect(pair.serverSide.failureCodes == [.reset])
            }
        }
    }
}
