// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

extension BackendContract {
    @Suite("transfer") struct Transfer {
        @Test("a tail of 1 MiB is flushed before the end", arguments: BackendKind.allCases)
        func tail(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                bench.send(.pattern(1 << 20), on: pair.client)
                bench.loop.finish(pair.client)
                try await bench.until("the end") { !pair.serverSide.ended.isEmpty }
                #expect(pair.serverSide.allBytes == .pattern(1 << 20))
                #expect(pair.serverSide.failed.isEmpty)
                #expect(bench.loop.statistics.leasedBuffers == 0)
            }
        }

        @Test(
            "bytes arrive whole and in order through short receives and sends",
            arguments: BackendKind.allCases,
            1...3
        )
        func shortPieces(_ backend: BackendKind, seed: Int) async throws {
            try require(backend)
            var options = IOOptions()
            options.seed = UInt64(seed)
            options.receiveBufferBytes = 512
            options.simulatedFaults.shortReceives = 0.5
            options.simulatedFaults.shortSends = 0.5
            options.simulatedFaults.bufferExhaustion = 0.1
            try await withLoop(backend, options: options) { bench in
                let pair = try await bench.pair()
                let there = [UInt8].pattern(200_000, seed: UInt64(seed))
                let back = [UInt8].pattern(150_000, seed: UInt64(seed) + 100)
                bench.send(there, on: pair.client)
                bench.send(back, on: pair.server)
                try await bench.until("all bytes both ways") {
                    pair.serverSide.byteCount == there.count && pair.clientSide.byteCount == back.count
                }
                #expect(pair.serverSide.allBytes == there)
                #expect(pair.clientSide.allBytes == back)
                #expect(pair.serverSide.sizes.allSatisfy { (1...512).contains($0) })
            }
        }

        @Test("a batch of more segments than one system call takes arrives in order", arguments: BackendKind.allCases)
        func segments(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                let bytes = [UInt8].pattern(300_000)
                var segments: [Segment] = []
                var position = 0
                for size in 1...200 {
                    let piece = Array(bytes[position..<position + size * 10])
                    segments.append(SendBatch(copying: piece).first)
                    position += piece.count
                }
                let batch = SendBatch(segments[0], rest: Array(segments.dropFirst()))
                #expect(batch.byteCount == position)
                #expect(bench.loop.send(batch, on: pair.client) == .queued)
                try await bench.until("all bytes") { pair.serverSide.byteCount == position }
                #expect(pair.serverSide.allBytes == Array(bytes.prefix(position)))
            }
        }

        @Test("a batch that leaves in records arrives whole and in order", arguments: BackendKind.allCases)
        func records(_ backend: BackendKind) async throws {
            try require(backend)
            var options = IOOptions()
            options.simulatedFaults.shortSends = 0.5
            try await withLoop(backend, options: options) { bench in
                let pair = try await bench.pair()
                let bytes = [UInt8].pattern(1_000_003)
                let cuts = [0, 700, 700_001, 700_002, 1_000_003]
                let segments = zip(cuts, cuts.dropFirst()).map { SendBatch(copying: Array(bytes[$0..<$1])).first }
                var batch = SendBatch(segments[0], rest: Array(segments.dropFirst()))
                batch.recordBytes = 63 * 1_024
                #expect(bench.loop.send(batch, on: pair.client) == .queued)
                try await bench.until("all bytes") { pair.serverSide.byteCount == bytes.count }
                #expect(pair.serverSide.allBytes == bytes)
            }
        }

        @Test("a second send is busy until the first has left, then writable", arguments: BackendKind.allCases)
        func busy(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                #expect(bench.send([1], on: pair.client) == .queued)
                #expect(bench.send([2], on: pair.client) == .busy)
                #expect(bench.send([2], on: pair.client) == .busy)
                try await bench.until("writable") { !pair.clientSide.writable.isEmpty }
                #expect(bench.send([3], on: pair.client) == .queued)
                try await bench.until("two bytes") { pair.serverSide.byteCount == 2 }
                #expect(pair.serverSide.allBytes == [1, 3])
                #expect(pair.clientSide.writable == [pair.client])
            }
        }

        @Test("a sender that nobody refused is not told that it may send", arguments: BackendKind.allCases)
        func unasked(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                for byte in UInt8(0)..<5 {
                    bench.send([byte], on: pair.client)
                    try await bench.until("the byte") { pair.serverSide.byteCount == Int(byte) + 1 }
                    // A backend may hear of the arrival before it hears that the send is done.
                    for _ in 0..<2 { try await bench.turn() }
                }
                #expect(pair.clientSide.writable.isEmpty)
            }
        }

        @Test("what is sent before the connection stands leaves once it does", arguments: BackendKind.allCases)
        func early(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let server = bench.recorder()
                let (_, address) = try bench.listen(server)
                let client = try bench.loop.connect(to: address, handler: bench.recorder())
                #expect(bench.send(.pattern(5000), on: client) == .queued)
                bench.loop.finish(client)
                try await bench.until("bytes and end") { !server.ended.isEmpty }
                #expect(server.allBytes == .pattern(5000))
            }
        }

        @Test("an empty batch counts as sent", arguments: BackendKind.allCases)
        func empty(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                #expect(bench.send([], on: pair.client) == .queued)
                for _ in 0..<3 { try await bench.turn() }
                #expect(bench.send([9], on: pair.client) == .queued)
                try await bench.until("a byte") { pair.serverSide.byteCount == 1 }
                #expect(pair.serverSide.ended.isEmpty && pair.serverSide.failed.isEmpty)
            }
        }

        @Test("the simulated network is the same for the same seed and another for another")
        func determinism() async throws {
            func sizes(seed: UInt64) async throws -> [Int] {
                var options = IOOptions()
                options.seed = seed
                options.simulatedFaults.shortReceives = 0.5
                options.simulatedFaults.shortSends = 0.5
                return try await withLoop(.simulated, options: options) { bench in
                    let pair = try await bench.pair()
                    bench.send(.pattern(100_000), on: pair.client)
                    try await bench.until("all bytes") { pair.serverSide.byteCount == 100_000 }
                    return pair.serverSide.sizes
                }
            }
            let first = try await sizes(seed: 1)
            #expect(try await sizes(seed: 1) == first)
            #expect(try await sizes(seed: 2) != first)
        }
    }
}
