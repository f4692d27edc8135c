// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

extension BackendContract {
    @Suite("pause and resume") struct Pause {
        @Test(
            "a paused receiver holds its peer back and gets every byte in order when it resumes",
            arguments: BackendKind.allCases
        )
        func backPressure(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                let loop = bench.loop
                // The total is beyond what socket buffers hold, so the sender cannot be done before the resume.
                let block = [UInt8].pattern(1 << 20)
                let batch = SendBatch(copying: block)
                var left = 16
                pair.serverSide.keepsBytes = false
                func sendNext() {
                    while left > 0, loop.send(batch, on: pair.client) == .queued { left -= 1 }
                    if left == 0 { loop.finish(pair.client) }
                }
                pair.clientSide.onWritable = { _ in sendNext() }
                pair.serverSide.onReceive = { _, _ in loop.pauseReceiving(pair.server) }
                sendNext()
                try await bench.until("the first bytes") { pair.serverSide.byteCount > 0 }
                // What had already arrived may still come; then there is silence.
                for _ in 0..<10 { try await bench.turn() }
                let arrived = pair.serverSide.byteCount
                for _ in 0..<10 { try await bench.turn() }
                #expect(pair.serverSide.byteCount == arrived)
                #expect(left > 0)
                pair.serverSide.onReceive = nil
                loop.startReceiving(pair.server)
                try await bench.until("the end") { !pair.serverSide.ended.isEmpty }
                // It refers to the pair, which refers to it.
                pair.clientSide.onWritable = nil
                #expect(pair.serverSide.byteCount == 16 << 20)
                #expect(pair.serverSide.failed.isEmpty)
            }
        }

        @Test("pausing and resuming with every piece loses and reorders nothing", arguments: BackendKind.allCases)
        func everyPiece(_ backend: BackendKind) async throws {
            try require(backend)
            var options = IOOptions()
            options.receiveBufferBytes = 4096
            options.simulatedFaults.shortReceives = 0.3
            try await withLoop(backend, options: options) { bench in
                let pair = try await bench.pair()
                let loop = bench.loop
                pair.serverSide.onReceive = { handle, _ in
                    loop.pauseReceiving(handle)
                    loop.execute { loop.startReceiving(handle) }
                }
                bench.send(.pattern(300_000), on: pair.client)
                loop.finish(pair.client)
                try await bench.until("the end") { !pair.serverSide.ended.isEmpty }
                #expect(pair.serverSide.allBytes == .pattern(300_000))
            }
        }

        @Test("resuming twice is resuming once", arguments: BackendKind.allCases)
        func twice(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                for _ in 0..<3 { bench.loop.startReceiving(pair.server) }
                bench.loop.pauseReceiving(pair.server)
                for _ in 0..<3 { bench.loop.startReceiving(pair.server) }
                bench.send(.pattern(10_000), on: pair.client)
                try await bench.until("all bytes") { pair.serverSide.byteCount >= 10_000 }
                for _ in 0..<3 { try await bench.turn() }
                #expect(pair.serverSide.allBytes == .pattern(10_000))
            }
        }
    }
}
