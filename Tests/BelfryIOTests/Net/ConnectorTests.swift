// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryTesting
import Testing

@testable import BelfryIO

@Suite("Connector", .timeLimit(.minutes(3)))
struct ConnectorTests {
    @Test("a name is connected to, and the connection carries bytes", arguments: [BackendKind.epoll, .uring])
    func byName(_ backend: BackendKind) async throws {
        try BackendContract.require(backend)
        try await withLoop(backend) { bench in
            let server = bench.recorder()
            let (_, address) = try bench.listen(server)
            let port = try #require(address.port)
            let handle = try await Connector(on: bench.loop).connect(
                to: .name("localhost", port: port),
                timeout: .seconds(20)
            )
            let client = bench.recorder()
            bench.loop.setHandler(client, of: handle)
            bench.loop.startReceiving(handle)
            bench.send([1, 2, 3], on: handle)
            try await bench.until("three bytes") { server.allBytes == [1, 2, 3] }
            bench.send([4], on: server.accepted[0])
            try await bench.until("a byte") { client.allBytes == [4] }
            #expect(bench.loop.statistics.openHandles == 3)
        }
    }

    /// Where nobody listens: a port that was free a moment ago may be another test's by now.
    private let nobody = SocketAddress.loopback(port: 1)

    @Test("a refusal names the endpoint and leaves nothing open", arguments: BackendKind.allCases)
    func refused(_ backend: BackendKind) async throws {
        try BackendContract.require(backend)
        try await withLoop(backend) { bench in
            let address = nobody
            let connector = Connector(on: bench.loop)
            let error = await #expect(throws: IOError.self) { try await connector.connect(to: .address(address)) }
            #expect(error?.code == .refused)
            #expect(error?.message.contains("\(address)") == true)
            try await bench.until("nothing open") { bench.loop.statistics.openHandles == 0 }
        }
    }

    @Test("the next address is tried when one refuses", arguments: BackendKind.allCases)
    func inTurn(_ backend: BackendKind) async throws {
        try BackendContract.require(backend)
        try await withLoop(backend) { bench in
            let server = bench.recorder()
            let (_, answering) = try bench.listen(server)
            let refusing = nobody
            let handle = try await Connector(on: bench.loop).connect(
                toAnyOf: [refusing, refusing, answering],
                named: "three addresses",
                until: .now.advanced(by: .seconds(30))
            )
            #expect(bench.loop.peerAddress(of: handle) == answering)
        }
    }

    @Test("a silent address gets its share of the time, then the next one is tried")
    func silent() async throws {
        try await withLoop(.simulated) { bench in
            let loop = bench.loop
            let server = bench.recorder()
            // Nobody accepts there, and the first connection fills the backlog.
            let silent = try loop.listen(on: .loopback(port: 0), backlog: 1, handler: server)
            try loop.onLoop { core throws(IOError) in core.reactor.pause(.accept, on: silent) }
            let address = try #require(loop.localAddress(of: silent))
            _ = try loop.connect(to: address, handler: bench.recorder())
            let (_, answering) = try bench.listen(server)
            let start = loop.nowNanoseconds
            let handle = try await Connector(on: loop).connect(
                toAnyOf: [address, answering],
                named: "two addresses",
                until: .now.advanced(by: .seconds(60))
            )
            #expect(loop.peerAddress(of: handle) == answering)
            let passed = Duration.nanoseconds(loop.nowNanoseconds - start)
            #expect(passed > .seconds(1) && passed <= .seconds(30))
        }
    }

    @Test("cancelling closes the attempt under way")
    func cancelled() async throws {
        let hole = try BlackHole()
        try await withLoop(.epoll) { bench in
            let loop = bench.loop
            let filler = bench.recorder()
            for _ in 0..<3 { _ = try loop.connect(to: hole.address, handler: filler) }
            try await bench.until("a full backlog") { !filler.connected.isEmpty }
            let open = loop.statistics.openHandles
            let task = Task { try await Connector(on: loop).connect(to: .address(hole.address), timeout: .seconds(60)) }
            try await bench.until("an attempt") { loop.statistics.openHandles == open + 1 }
            task.cancel()
            let error = await #expect(throws: IOError.self) { try await task.value }
            #expect(error?.code == .closed)
            try await bench.until("its end") { loop.statistics.openHandles == open }
        }
    }

    @Test("a stopped loop connects to nothing")
    func stopped() async throws {
        let loop = try EventLoop(backend: .epoll)
        loop.stop()
        await loop.waitUntilStopped()
        let error = await #expect(throws: IOError.self) {
            try await Connector(on: loop).connect(to: .address(.loopback(port: 1)))
        }
        #expect(error?.code == .closed)
    }
}
