// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

extension BackendContract {
    @Suite("stale handles") struct StaleHandles {
        @Test(
            "operations on a handle that was closed do nothing to the slot's next tenant",
            arguments: BackendKind.allCases
        )
        func nextTenant(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let loop = bench.loop
                let old = try await bench.pair()
                loop.close(old.client)
                loop.close(old.server)
                try await bench.until("closed") { !old.clientSide.closed.isEmpty && !old.serverSide.closed.isEmpty }
                let new = try await bench.pair()
                for stale in [old.client, old.server, .none] {
                    let intruder = bench.recorder()
                    loop.setHandler(intruder, of: stale)
                    loop.pauseReceiving(stale)
                    loop.startReceiving(stale)
                    loop.finish(stale)
                    #expect(bench.send([1], on: stale) == .closed)
                    #expect(loop.localAddress(of: stale) == nil)
                    #expect(loop.peerAddress(of: stale) == nil)
                    loop.close(stale)
                }
                bench.send(.pattern(1000), on: new.client)
                bench.send(.pattern(2000), on: new.server)
                try await bench.until("all bytes") {
                    new.serverSide.byteCount == 1000 && new.clientSide.byteCount == 2000
                }
                #expect(old.clientSide.closed == [old.client])
                #expect(old.serverSide.closed == [old.server])
                #expect(new.clientSide.closed.isEmpty && new.serverSide.closed.isEmpty)
            }
        }

        @Test("a slot that is taken again at once keeps both tenants' ends apart", arguments: BackendKind.allCases)
        func sameTurn(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let loop = bench.loop
                let server = bench.recorder()
                let (_, address) = try bench.listen(server)
                var tenants: [(handle: IOHandle, side: RecordingHandler)] = []
                for _ in 0..<10 {
                    let side = bench.recorder()
                    let handle = try loop.connect(to: address, handler: side)
                    tenants.append((handle, side))
                    if tenants.count < 10 { loop.close(handle) }
                }
                let last = tenants[9]
                try await bench.until("the last one's connection") { last.side.connected == [last.handle] }
                try await bench.until("the others' ends") {
                    tenants.prefix(9).allSatisfy { $0.side.closed == [$0.handle] }
                }
                #expect(last.side.closed.isEmpty)
                bench.send([1], on: last.handle)
                try await bench.until("a byte") { server.byteCount == 1 }
            }
        }

        @Test("closing twice is closing once", arguments: BackendKind.allCases)
        func twice(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                bench.loop.close(pair.client)
                bench.loop.close(pair.client)
                try await bench.until("the peer's end") { !pair.serverSide.ended.isEmpty }
                for _ in 0..<3 { try await bench.turn() }
                #expect(pair.clientSide.closed == [pair.client])
            }
        }
    }
}
