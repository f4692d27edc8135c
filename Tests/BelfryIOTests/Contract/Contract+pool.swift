// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

extension BackendContract {
    @Suite("receive buffers") struct Pool {
        @Test("a few buffers serve many connections", arguments: BackendKind.allCases, [2, 4])
        func exhaustion(_ backend: BackendKind, buffers: Int) async throws {
            try require(backend)
            var options = IOOptions()
            options.receiveBuffers = buffers
            options.receiveBufferBytes = 1024
            options.simulatedFaults.bufferExhaustion = 0.5
            try await withLoop(backend, options: options) { bench in
                let server = bench.recorder()
                let (_, address) = try bench.listen(server)
                var clients: [IOHandle] = []
                for _ in 0..<40 { clients.append(try bench.loop.connect(to: address, handler: bench.recorder())) }
                for client in clients { bench.send(.pattern(8192), on: client) }
                try await bench.until("all bytes") { server.byteCount == 40 * 8192 }
                #expect(server.bytes.count == 40)
                for bytes in server.bytes.values { #expect(bytes == .pattern(8192)) }
                #expect(bench.loop.statistics.leasedBuffers == 0)
            }
        }

        @Test("a connection that never pauses does not keep the buffers to itself", arguments: BackendKind.allCases)
        func fairness(_ backend: BackendKind) async throws {
            try require(backend)
            var options = IOOptions()
            options.receiveBuffers = 2
            options.receiveBufferBytes = 1024
            try await withLoop(backend, options: options) { bench in
                let server = bench.recorder()
                server.keepsBytes = false
                let loop = bench.loop
                var received: [IOHandle: Int] = [:]
                server.onReceive = { handle, count in received[handle, default: 0] += count }
                let (_, address) = try bench.listen(server)
                let side = bench.recorder()
                let busy = try loop.connect(to: address, handler: side)
                let quiet = try loop.connect(to: address, handler: side)
                try await bench.until("two connections") { server.accepted.count == 2 && side.connected.count == 2 }
                // Sends again as soon as it may, for as long as the test runs.
                let block = SendBatch(copying: .pattern(1 << 20))
                side.onWritable = { handle in
                    if loop.send(block, on: handle) == .queued { _ = loop.send(block, on: handle) }
                }
                _ = loop.send(block, on: busy)
                _ = loop.send(block, on: busy)
                bench.send(.pattern(4096), on: quiet)
                try await bench.until("the quiet one's bytes") { received.values.contains(4096) }
                side.onWritable = nil
            }
        }

        @Test("no buffer is lent between turns", arguments: BackendKind.allCases)
        func leases(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                let loop = bench.loop
                var leased: [Int] = []
                for _ in 0..<20 {
                    bench.send(.pattern(50_000), on: pair.client)
                    try await bench.turn()
                    leased.append(loop.statistics.leasedBuffers)
                }
                // A handle closed between arrival and dispatch gives its buffers back as well.
                pair.serverSide.onReceive = { handle, _ in loop.close(handle) }
                bench.send(.pattern(200_000), on: pair.client)
                try await bench.until("closed") { !pair.serverSide.closed.isEmpty }
                leased.append(loop.statistics.leasedBuffers)
                #expect(leased.allSatisfy { $0 == 0 })
            }
        }
    }
}
