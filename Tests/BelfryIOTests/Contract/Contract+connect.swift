// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

extension BackendContract {
    @Suite("connecting") struct Connecting {
        @Test("a connection to nobody is refused", arguments: BackendKind.allCases)
        func refused(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let recorder = bench.recorder()
                let (listener, address) = try bench.listen(recorder)
                bench.loop.close(listener)
                try await bench.until("closed") { recorder.closed == [listener] }
                let handle = try bench.loop.connect(to: address, handler: recorder)
                try await bench.until("a failure") { !recorder.failed.isEmpty }
                #expect(recorder.failureCodes == [.refused])
                #expect(recorder.connected.isEmpty)
                bench.loop.close(handle)
                try await bench.until("closed") { recorder.closed == [listener, handle] }
            }
        }

        @Test("a connection that nobody answers fails within its time", arguments: BackendKind.allCases)
        func timeout(_ backend: BackendKind) async throws {
            try require(backend)
            let hole = backend == .simulated ? nil : try BlackHole()
            var options = IOOptions()
            // Room for the listener and the connecting ends, none for accepting.
            options.simulatedFaults.maxDescriptors = 5
            try await withLoop(backend, options: options) { bench in
                let loop = bench.loop
                let client = bench.recorder()
                let address: SocketAddress
                if let hole {
                    address = hole.address
                } else {
                    let listener = try loop.listen(on: .loopback(port: 0), backlog: 1, handler: bench.recorder())
                    address = try #require(loop.localAddress(of: listener))
                }
                // The first ones fill the backlog.
                for _ in 0..<4 { _ = try loop.connect(to: address, timeout: .milliseconds(150), handler: client) }
                try await bench.until("four outcomes") { client.connected.count + client.failed.count == 4 }
                #expect(client.failureCodes.contains(.timedOut))
                #expect(client.failureCodes.allSatisfy { $0 == .timedOut })
                let handle = try #require(client.failed.first?.handle)
                loop.close(handle)
                try await bench.until("closed") { client.closed == [handle] }
            }
        }

        @Test("a connecting socket that is closed is heard of once more only", arguments: BackendKind.allCases)
        func closedEarly(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let client = bench.recorder()
                let (_, address) = try bench.listen(bench.recorder())
                let handle = try bench.loop.connect(to: address, timeout: .milliseconds(1), handler: client)
                bench.loop.close(handle)
                try await bench.until("closed") { !client.closed.isEmpty }
                await bench.pass(.milliseconds(5))
                #expect(client.closed == [handle])
                #expect(client.connected.isEmpty && client.failed.isEmpty)
            }
        }

        @Test("the time limit of a connection that stands does not strike", arguments: BackendKind.allCases)
        func inTime(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let client = bench.recorder()
                let (_, address) = try bench.listen(bench.recorder())
                let handle = try bench.loop.connect(to: address, timeout: .milliseconds(500), handler: client)
                try await bench.until("connected") { client.connected == [handle] }
                await bench.pass(.milliseconds(600))
                #expect(client.failed.isEmpty)
            }
        }
    }
}
