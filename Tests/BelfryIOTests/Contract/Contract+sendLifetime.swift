// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

extension BackendContract {
    @Suite("memory of sends") struct SendLifetime {
        @Test("a chunk lives while its send is under way and dies after it", arguments: BackendKind.allCases)
        func underWay(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair(serverReceives: false)
                pair.serverSide.keepsBytes = false
                let chunk = ChunkWitness()
                let bytes = 16 << 20
                #expect(bench.loop.send(chunk.makeBatch(bytes: bytes), on: pair.client) == .queued)
                for _ in 0..<5 {
                    try await bench.turn()
                    #expect(chunk.isAlive)
                }
                bench.loop.startReceiving(pair.server)
                try await bench.until("all bytes") { pair.serverSide.byteCount == bytes }
                try await bench.until("the chunk's end") { !chunk.isAlive }
            }
        }

        @Test("closing with a send under way ends in one closed and frees its chunk", arguments: BackendKind.allCases)
        func closing(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair(serverReceives: false)
                pair.serverSide.keepsBytes = false
                let chunk = ChunkWitness()
                _ = bench.loop.send(chunk.makeBatch(bytes: 16 << 20), on: pair.client)
                for _ in 0..<3 { try await bench.turn() }
                #expect(chunk.isAlive)
                bench.loop.close(pair.client)
                #expect(bench.send([1], on: pair.client) == .closed)
                try await bench.until("closed") { !pair.clientSide.closed.isEmpty }
                try await bench.until("the chunk's end") { !chunk.isAlive }
                bench.loop.startReceiving(pair.server)
                try await bench.until("the peer's end") {
                    !pair.serverSide.ended.isEmpty || !pair.serverSide.failed.isEmpty
                }
                #expect(pair.clientSide.closed == [pair.client])
                #expect(pair.serverSide.byteCount < 16 << 20)
            }
        }

        @Test("closing in the turn of the send frees its chunk as well", arguments: BackendKind.allCases)
        func sameTurn(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                let chunk = ChunkWitness()
                _ = bench.loop.send(chunk.makeBatch(bytes: 1000), on: pair.client)
                bench.loop.close(pair.client)
                try await bench.until("closed") { pair.clientSide.closed == [pair.client] }
                try await bench.until("the chunk's end") { !chunk.isAlive }
                try await bench.until("the peer's end") {
                    !pair.serverSide.ended.isEmpty || !pair.serverSide.failed.isEmpty
                }
            }
        }
    }
}
