// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

extension BackendContract {
    @Suite("shutdown") struct Shutdown {
        @Test("a loop that stops with everything open tells each handle's end once", arguments: BackendKind.allCases)
        func everythingOpen(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let loop = bench.loop
                let server = bench.recorder()
                server.keepsBytes = false
                let client = bench.recorder()
                let (listener, address) = try bench.listen(server)
                var clients: [IOHandle] = []
                var accepts = 0
                server.onAccept = { handle in
                    accepts += 1
                    if accepts % 2 == 0 { loop.startReceiving(handle) }
                }
                for _ in 0..<20 { clients.append(try loop.connect(to: address, handler: client)) }
                try await bench.until("20 connections") { server.accepted.count == 20 && client.connected.count == 20 }
                let chunk = ChunkWitness()
                let batch = chunk.makeBatch(bytes: 8 << 20)
                for handle in clients { _ = loop.send(batch, on: handle) }
                let datagrams = try loop.bindDatagrams(to: .loopback(port: 0), handler: server)
                clients.append(try loop.connect(to: address, handler: client))
                var struck = 0
                for _ in 0..<100 { loop.schedule(after: .seconds(3600)) { struck += 1 } }
                let ran = loop.local { Ran() }
                for _ in 0..<100 { loop.execute { loop.local { Ran() }.count += 1 } }
                loop.stop()
                await loop.waitUntilStopped()
                #expect(ran.count == 100)
                #expect(struck == 0)
                #expect(
                    client.closed.sorted { $0.hashValue < $1.hashValue }
                        == clients.sorted { $0.hashValue < $1.hashValue }
                )
                #expect(server.closed.filter { $0 == listener || $0 == datagrams }.count == 2)
                #expect(Set(server.closed).count == server.closed.count)
                #expect(Set(server.accepted).isSubset(of: server.closed))
                #expect(bench.send([1], on: clients[0]) == .closed)
            }
        }

        @Test("a stopped loop refuses sockets, and what was in flight is freed", arguments: BackendKind.allCases)
        func stopped(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let loop = bench.loop
                let pair = try await bench.pair(serverReceives: false)
                let chunk = ChunkWitness()
                _ = loop.send(chunk.makeBatch(bytes: 16 << 20), on: pair.client)
                try await bench.turn()
                loop.stop()
                await loop.waitUntilStopped()
                #expect(!chunk.isAlive)
                #expect(throws: IOError.self) { try loop.listen(on: .loopback(port: 0), handler: pair.serverSide) }
                #expect(loop.schedule(after: .zero) {} == nil)
                await loop.waitUntilStopped()
            }
        }

        @Test("a handler that opens sockets while the loop stops is refused", arguments: BackendKind.allCases)
        func reopening(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let handler = Reopener(bench.loop)
                _ = try bench.loop.listen(on: .loopback(port: 0), handler: handler)
                bench.loop.stop()
                await bench.loop.waitUntilStopped()
                #expect(handler.codes == [.closed])
            }
        }

        @Test("a loop's memory is freed after it stopped", arguments: BackendKind.allCases)
        func memory(_ backend: BackendKind) async throws {
            try require(backend)
            weak var witness: EventLoop?
            do {
                let loop = try EventLoop(backend: backend)
                witness = loop
                loop.stop()
                await loop.waitUntilStopped()
            }
            // The thread lets go of the loop just after it has told of the end.
            for _ in 0..<1_000_000 where witness != nil { await Task.yield() }
            #expect(witness == nil)
        }
    }
}

private final class Ran {
    var count = 0
}

/// Listens again when its listener closes; loop-confined.
private final class Reopener: IOHandler {
    private let loop: EventLoop
    var codes: [IOError.Code] = []

    init(_ loop: EventLoop) { self.loop = loop }

    func closed(_ handle: IOHandle) {
        do {
            _ = try loop.listen(on: .loopback(port: 0), handler: self)
        } catch {
            codes.append(error.code)
        }
    }
}
