// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Foundation
import Testing

extension BackendContract {
    @Suite("addresses") struct Addresses {
        @Test("a Unix socket carries bytes both ways", arguments: BackendKind.allCases)
        func unix(_ backend: BackendKind) async throws {
            try require(backend)
            let path = Self.temporaryPath()
            defer { try? FileManager.default.removeItem(atPath: path) }
            try await withLoop(backend) { bench in
                let pair = try await bench.pair(on: .unix(path: path))
                bench.send(.pattern(100_000), on: pair.client)
                bench.send(.pattern(5), on: pair.server)
                try await bench.until("all bytes") {
                    pair.serverSide.byteCount == 100_000 && pair.clientSide.byteCount == 5
                }
                #expect(pair.serverSide.allBytes == .pattern(100_000))
                #expect(bench.loop.localAddress(of: pair.listener) == .unix(path: path))
                #expect(bench.loop.peerAddress(of: pair.server) == nil)
                bench.loop.finish(pair.client)
                try await bench.until("the end") { !pair.serverSide.ended.isEmpty }
            }
        }

        @Test(
            "a Unix socket's path that is served cannot be taken, one left behind can",
            arguments: BackendKind.allCases
        )
        func unixTaken(_ backend: BackendKind) async throws {
            try require(backend)
            let path = Self.temporaryPath()
            defer { try? FileManager.default.removeItem(atPath: path) }
            try await withLoop(backend) { bench in
                let first = bench.recorder()
                let (listener, address) = try bench.listen(on: .unix(path: path), first)
                let error = #expect(throws: IOError.self) {
                    try bench.loop.listen(on: address, handler: bench.recorder())
                }
                #expect(error?.code == .addressInUse)
                bench.loop.close(listener)
                try await bench.until("closed") { first.closed == [listener] }
                _ = try await bench.pair(on: address)
            }
        }

        @Test("IPv6 carries bytes both ways", arguments: BackendKind.allCases)
        func ipv6(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let loopback = SocketAddress.ipv6(high: 0, low: 1, port: 0, scope: 0)
                let pair: ConnectedPair
                do {
                    pair = try await bench.pair(on: loopback)
                } catch let error as IOError where error.code == .badAddress {
                    try Test.cancel("no IPv6 here: \(error)")
                }
                bench.send(.pattern(1000), on: pair.client)
                bench.send(.pattern(10), on: pair.server)
                try await bench.until("all bytes") {
                    pair.serverSide.byteCount == 1000 && pair.clientSide.byteCount == 10
                }
                #expect(bench.loop.peerAddress(of: pair.server)?.host == "::1")
            }
        }

        @Test("both ends agree on their addresses", arguments: BackendKind.allCases)
        func agreement(_ backend: BackendKind) async throws {
            try require(backend)
            try await withLoop(backend) { bench in
                let pair = try await bench.pair()
                let loop = bench.loop
                let address = loop.localAddress(of: pair.listener)
                #expect(address?.port != 0 && address?.host == "127.0.0.1")
                #expect(loop.peerAddress(of: pair.client) == address)
                #expect(loop.localAddress(of: pair.server) == address)
                #expect(loop.localAddress(of: pair.client) == loop.peerAddress(of: pair.server))
                #expect(loop.localAddress(of: pair.client) != nil)
            }
        }

        static func temporaryPath() -> String { "/tmp/belfry-\(UUID().uuidString.prefix(13)).sock" }
    }
}
