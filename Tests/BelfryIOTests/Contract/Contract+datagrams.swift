// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

extension BackendContract {
    @Suite("datagrams") struct Datagrams {
        @Test("datagrams are echoed to their sender, whole", arguments: BackendKind.allCases, [0, 1, 1400, 65_507])
        func echo(_ backend: BackendKind, size: Int) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let loop = bench.loop
                let echo = Echo(loop)
                let echoing = try loop.bindDatagrams(to: .loopback(port: 0), handler: echo)
                let asking = bench.recorder()
                let socket = try loop.bindDatagrams(to: .loopback(port: 0), handler: asking)
                let address = try #require(loop.localAddress(of: echoing))
                let bytes = [UInt8].pattern(size)
                let isSent = loop.sendDatagram(bytes.span, to: address, on: socket)
                #expect(isSent)
                try await bench.until("the echo") { !asking.datagrams.isEmpty }
                #expect(asking.datagrams.first?.bytes == bytes)
                #expect(asking.datagrams.first?.sender == address)
                #expect(echo.senders == [loop.localAddress(of: socket)])
                #expect(loop.statistics.leasedBuffers == 0)
            }
        }

        @Test("a burst of datagrams arrives in order", arguments: BackendKind.allCases)
        func burst(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let loop = bench.loop
                let recorder = bench.recorder()
                let target = try loop.bindDatagrams(to: .loopback(port: 0), handler: recorder)
                let source = try loop.bindDatagrams(to: .loopback(port: 0), handler: recorder)
                let address = try #require(loop.localAddress(of: target))
                for number in UInt8(0)..<100 {
                    let isSent = loop.sendDatagram([number].span, to: address, on: source)
                    #expect(isSent)
                }
                try await bench.until("100 datagrams") { recorder.datagrams.count == 100 }
                #expect(recorder.datagrams.map { $0.bytes } == (UInt8(0)..<100).map { [$0] })
            }
        }

        @Test("a datagram that is too long, or on a stale handle, is refused", arguments: BackendKind.allCases)
        func refused(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let loop = bench.loop
                let recorder = bench.recorder()
                let socket = try loop.bindDatagrams(to: .loopback(port: 0), handler: recorder)
                let address = try #require(loop.localAddress(of: socket))
                let tooLong = loop.sendDatagram([UInt8](repeating: 0, count: 65_508).span, to: address, on: socket)
                #expect(!tooLong)
                loop.close(socket)
                let isStaleSent = loop.sendDatagram([1].span, to: address, on: socket)
                #expect(!isStaleSent)
                try await bench.until("closed") { recorder.closed == [socket] }
            }
        }
    }
}

/// Sends each datagram back; loop-confined.
private final class Echo: IOHandler {
    private let loop: EventLoop
    var senders: [SocketAddress?] = []

    init(_ loop: EventLoop) { self.loop = loop }

    func received(_ bytes: Span<UInt8>, from sender: SocketAddress, on handle: IOHandle) {
        senders.append(sender)
        _ = loop.sendDatagram(bytes, to: sender, on: handle)
    }
}
