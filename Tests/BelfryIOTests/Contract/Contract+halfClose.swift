// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

extension BackendContract {
    @Suite("half close") struct HalfClose {
        @Test("an end that has finished still receives", arguments: BackendKind.allCases, [true, false])
        func bothWays(_ backend: BackendKind, clientFirst: Bool) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                let loop = bench.loop
                let (first, firstSide) = clientFirst ? (pair.client, pair.clientSide) : (pair.server, pair.serverSide)
                let (second, secondSide) = clientFirst ? (pair.server, pair.serverSide) : (pair.client, pair.clientSide)
                bench.send(Array("last words".utf8), on: first)
                loop.finish(first)
                try await bench.until("the end") { secondSide.ended == [second] }
                #expect(secondSide.allBytes == Array("last words".utf8))
                #expect(firstSide.ended.isEmpty)
                bench.send(Array("answer".utf8), on: second)
                try await bench.until("the answer") { firstSide.byteCount == 6 }
                loop.finish(second)
                try await bench.until("the other end") { firstSide.ended == [first] }
                #expect(firstSide.failed.isEmpty && secondSide.failed.isEmpty)
            }
        }

        @Test("nothing can be sent after finish", arguments: BackendKind.allCases)
        func refused(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                bench.loop.finish(pair.client)
                #expect(bench.send([1], on: pair.client) == .closed)
            }
        }

        @Test("the end is told once, after the last byte, and only to who receives", arguments: BackendKind.allCases)
        func paused(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair(serverReceives: false)
                bench.send(.pattern(1000), on: pair.client)
                bench.loop.finish(pair.client)
                for _ in 0..<3 { try await bench.turn() }
                #expect(pair.serverSide.ended.isEmpty)
                #expect(pair.serverSide.byteCount == 0)
                bench.loop.startReceiving(pair.server)
                try await bench.until("the end") { !pair.serverSide.ended.isEmpty }
                #expect(pair.serverSide.allBytes == .pattern(1000))
                bench.loop.pauseReceiving(pair.server)
                bench.loop.startReceiving(pair.server)
                for _ in 0..<3 { try await bench.turn() }
                #expect(pair.serverSide.ended == [pair.server])
            }
        }
    }
}
