// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryTesting
import Glibc
import Testing

@testable import BelfryIO

extension BackendContract {
    @Suite("the local end of a connection") struct LocalEnd {
        @Test("a connection leaves from the address it was given", arguments: BackendKind.allCases)
        func address(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let (loop, server, client) = (bench.loop, bench.recorder(), bench.recorder())
                let (_, address) = try bench.listen(server)
                let local = SocketAddress.ipv4(0x7F00_0002, port: 0)
                let handle = try loop.connect(to: address, from: local, handler: client)
                try await bench.until("a connection") { !server.accepted.isEmpty && client.connected == [handle] }
                let source = try #require(loop.peerAddress(of: server.accepted[0]))
                #expect(source.host == "127.0.0.2" && source.port != 0)
                #expect(loop.localAddress(of: handle) == source)
            }
        }

        @Test("a connection leaves from the port it was given, and again right after", arguments: BackendKind.allCases)
        func port(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let (loop, server) = (bench.loop, bench.recorder())
                // A port that was free a moment ago; of an address that no other test uses.
                let (probe, free) = try bench.listen(on: .ipv4(0x7F00_0003, port: 0), server)
                loop.close(probe)
                try await bench.until("closed") { server.closed == [probe] }
                for host in [UInt32(0x7F00_0001), 0x7F00_0004] {
                    let (_, address) = try bench.listen(on: .ipv4(host, port: 0), server)
                    let client = bench.recorder()
                    let handle = try loop.connect(to: address, from: free, handler: client)
                    try await bench.until("a connection") { client.connected == [handle] }
                    #expect(loop.localAddress(of: handle) == free)
                    // This end first: it is the one that TIME-WAIT keeps.
                    loop.close(handle)
                    try await bench.until("closed") { client.closed == [handle] }
                }
            }
        }

        @Test("an address that is not this machine's is refused at once", arguments: BackendKind.allCases)
        func foreign(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let (_, address) = try bench.listen(bench.recorder())
                // TEST-NET-1 (RFC 5737) is nobody's.
                let foreign = SocketAddress.ipv4(0xC000_0201, port: 0)
                let client = bench.recorder()
                let error = #expect(throws: IOError.self) {
                    try bench.loop.connect(to: address, from: foreign, handler: client)
                }
                #expect(error?.code == .badAddress)
                #expect(error?.message.contains("192.0.2.1") == true)
                #expect(bench.loop.statistics.openHandles == 1)
            }
        }

        @Test("a port that somebody listens on is refused at once", arguments: BackendKind.allCases)
        func taken(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let (_, address) = try bench.listen(bench.recorder())
                let (_, other) = try bench.listen(bench.recorder())
                let error = #expect(throws: IOError.self) {
                    try bench.loop.connect(to: address, from: other, handler: bench.recorder())
                }
                #expect(error?.code == .addressInUse)
                #expect(bench.loop.statistics.openHandles == 2)
            }
        }

        @Test("probing a silent peer can be switched on and off on both ends", arguments: BackendKind.allCases)
        func keepAlive(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                let keepAlive = KeepAlive(idle: .seconds(7), interval: .seconds(3), count: 2)
                for handle in [pair.client, pair.server] { bench.loop.setKeepAlive(keepAlive, of: handle) }
                if backend != .simulated {
                    #expect(Self.connections(with: [1, 7, 3, 2]) == 2)
                }
                for handle in [pair.client, pair.server] { bench.loop.setKeepAlive(nil, of: handle) }
                if backend != .simulated {
                    #expect(Self.connections(with: [1, 7, 3, 2]) == 0)
                    #expect(Self.connections(with: [0, 7, 3, 2]) == 2)
                }
                // Who is accepted has it from the listener.
                bench.loop.setKeepAlive(
                    KeepAlive(idle: .seconds(8), interval: .seconds(4), count: 5),
                    of: pair.listener
                )
                let (late, address) = (bench.recorder(), try #require(bench.loop.localAddress(of: pair.listener)))
                _ = try bench.loop.connect(to: address, handler: late)
                try await bench.until("another connection") { pair.serverSide.accepted.count == 2 }
                if backend != .simulated { #expect(Self.connections(with: [1, 8, 4, 5]) == 2) }
                // The connection is as good as before.
                bench.send([1, 2], on: pair.client)
                try await bench.until("two bytes") { pair.serverSide.allBytes == [1, 2] }
                let gone = pair.client
                bench.loop.close(gone)
                bench.loop.setKeepAlive(keepAlive, of: gone)
            }
        }

        @Test("settings are brought within what the kernel takes")
        func bounds() {
            let small = KeepAlive(idle: .zero, interval: .milliseconds(-5), count: 0).values
            #expect(small == (1, 1, 1))
            let large = KeepAlive(idle: .seconds(1 << 40), interval: .seconds(40_000), count: .max).values
            #expect(large == (32_767, 32_767, 127))
        }

        /// The sockets of this process whose keep-alive is on (1 or 0), idle, interval and count are these.
        private static func connections(with wanted: [Int32]) -> Int {
            let tcp = Int32(IPPROTO_TCP)
            return (Int32(0)..<4_096).count { number in
                let found = [
                    option(number, SOL_SOCKET, SO_KEEPALIVE), option(number, tcp, TCP_KEEPIDLE),
                    option(number, tcp, TCP_KEEPINTVL), option(number, tcp, TCP_KEEPCNT),
                ]
                return found == wanted.map(Optional.some)
            }
        }

        private static func option(_ number: Int32, _ level: Int32, _ name: Int32) -> Int32? {
            var value: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            return unsafe getsockopt(number, level, name, &value, &length) == 0 ? value : nil
        }
    }
}
