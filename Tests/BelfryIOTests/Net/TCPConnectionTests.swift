// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Logging
import Testing

@testable import BelfryIO

@Suite("A TCP connection for clients", .timeLimit(.minutes(3)))
struct TCPConnectionTests {
    static let engines: [IOChoice] = [.epoll] + ((try? BackendSelection(.uring)) == nil ? [] : [.uring])

    /// Runs `body` with a loop and an address where `Acceptor` takes connections; checks that all sockets end.
    private func withPeer(
        _ engine: IOChoice,
        _ configuration: TCPConnection.Configuration = .init(),
        _ body: (EventLoop, SocketAddress, Acceptor) async throws -> Void
    ) async throws {
        let group = try EventLoopGroup(engine, count: 1, logger: Logger(label: "test"))
        let loop = group.loops[0]
        let acceptor = Acceptor(loop: loop, configuration: configuration)
        let (listener, address) = try await acceptor.listen()
        try await body(loop, address, acceptor)
        await acceptor.closeAll(listener)
        #expect(await acceptor.openHandles == 0)
        await group.shutDown()
    }

    /// Bytes that show when a piece of them is missing, double or out of place.
    private func pattern(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            bytes.append(UInt8(truncatingIfNeeded: bytes.count >> 8))
            bytes.append(contentsOf: Self.ramp)
        }
        return Array(bytes.prefix(count))
    }

    /// More pieces of 64 KiB than the kernel's buffers of both ends hold.
    private static let pieces = 1_024
    private static let ramp = Array(UInt8.min...UInt8.max)

    /// Waits until one end may not send and the other has stopped receiving.
    private static func stall(_ sender: TCPConnection, _ receiver: TCPConnection) async {
        await receiver.waitUntilPaused()
        await sender.waitUntilHoldingSenders()
    }

    /// Where two byte strings differ; compared as arrays, a failed expectation would search for their difference for hours.
    private static func firstDifference(_ left: [UInt8], _ right: [UInt8]) -> Int? {
        if left.count != right.count { return min(left.count, right.count) }
        return left.indices.first { left[$0] != right[$0] }
    }

    @Test("what is sent comes back in order", arguments: engines)
    func echo(engine: IOChoice) async throws {
        try await withPeer(engine) { loop, address, acceptor in
            let sent = pattern(1 << 18)
            try await TCPConnection.withConnection(to: .address(address), on: loop) { connection in
                let peer = await acceptor.next()
                async let echo: Void = {
                    for try await chunk in peer.inbound { try await peer.send(chunk) }
                    await peer.close()
                }()
                async let writing: Void = {
                    for start in stride(from: 0, to: sent.count, by: 10_000) {
                        try await connection.send(Array(sent[start..<min(start + 10_000, sent.count)]))
                    }
                }()
                var back: [UInt8] = []
                for try await chunk in connection.inbound {
                    back += chunk
                    if back.count >= sent.count { break }
                }
                try await writing
                #expect(Self.firstDifference(back, sent) == nil)
                await connection.close()
                try await echo
            }
        }
    }

    @Test("leaving the scope sends what was queued, then ends the stream", arguments: engines)
    func flush(engine: IOChoice) async throws {
        try await withPeer(engine) { loop, address, acceptor in
            let sent = pattern(1 << 20)
            async let received = {
                let peer = await acceptor.next()
                var bytes: [UInt8] = []
                for try await chunk in peer.inbound { bytes += chunk }
                await peer.close()
                return bytes
            }()
            try await TCPConnection.withConnection(to: .address(address), on: loop) { try await $0.send(sent) }
            #expect(Self.firstDifference(try await received, sent) == nil)
        }
    }

    @Test("a peer that does not read makes the sender wait", arguments: engines)
    func slowPeer(engine: IOChoice) async throws {
        try await withPeer(engine) { loop, address, acceptor in
            let (piece, count) = (pattern(64 << 10), Self.pieces)
            async let sending: Void = TCPConnection.withConnection(to: .address(address), on: loop) { connection in
                await acceptor.watch(connection)
                for _ in 0..<count { try await connection.send(piece) }
            }
            let peer = await acceptor.next()
            let connection = await acceptor.watched()
            await Self.stall(connection, peer)
            var received = 0
            for try await chunk in peer.inbound { received += chunk.count }
            #expect(received == piece.count * count)
            await peer.close()
            try await sending
        }
    }

    @Test("a reader that does not read pauses the socket", arguments: engines)
    func slowReader(engine: IOChoice) async throws {
        try await withPeer(engine) { loop, address, acceptor in
            let (piece, count) = (pattern(64 << 10), Self.pieces)
            try await TCPConnection.withConnection(to: .address(address), on: loop) { connection in
                let peer = await acceptor.next()
                async let sending: Void = {
                    for _ in 0..<count { try await peer.send(piece) }
                    await peer.close()
                }()
                await Self.stall(peer, connection)
                #expect(await connection.receivedBytes <= 1 << 20)
                var received = 0
                for try await chunk in connection.inbound {
                    received += chunk.count
                    if received == piece.count * count { break }
                }
                await connection.close()
                try await sending
            }
        }
    }

    @Test("the peer's end of stream ends the sequence", arguments: engines)
    func peerEnds(engine: IOChoice) async throws {
        try await withPeer(engine) { loop, address, acceptor in
            try await TCPConnection.withConnection(to: .address(address), on: loop) { connection in
                async let ending: Void = {
                    let peer = await acceptor.next()
                    try await peer.send([1, 2, 3])
                    await peer.close()
                }()
                var received: [UInt8] = []
                for try await chunk in connection.inbound { received += chunk }
                #expect(received == [1, 2, 3])
                await connection.close()
                try await ending
                await #expect(throws: IOError.self) { try await connection.send([4]) }
            }
        }
    }

    @Test("cancelling ends a wait for bytes, and the scope still closes the socket", arguments: engines)
    func cancelling(engine: IOChoice) async throws {
        try await withPeer(engine) { loop, address, acceptor in
            let task = Task {
                try await TCPConnection.withConnection(to: .address(address), on: loop) { connection in
                    var chunks = 0
                    for try await _ in connection.inbound { chunks += 1 }
                    return chunks
                }
            }
            let peer = await acceptor.next()
            task.cancel()
            await peer.close()
            // Cancelled before or after the connection stood: an error or an end, never a hang.
            let chunks = try? await task.value
            #expect(chunks == nil || chunks == 0)
        }
    }

    @Test("nobody listening is a refusal", arguments: engines)
    func refused(engine: IOChoice) async throws {
        let group = try EventLoopGroup(engine, count: 1, logger: Logger(label: "test"))
        let acceptor = Acceptor(loop: group.loops[0], configuration: .init())
        let (listener, address) = try await acceptor.listen()
        await acceptor.closeAll(listener)
        let error = await #expect(throws: IOError.self) {
            try await TCPConnection.withConnection(to: .address(address), on: group.loops[0]) { _ in }
        }
        #expect(error?.code == .refused)
        #expect(await acceptor.openHandles == 0)
        await group.shutDown()
    }

    @Test("a host's name is looked up", arguments: engines)
    func name(engine: IOChoice) async throws {
        try await withPeer(engine) { loop, address, acceptor in
            let endpoint = Endpoint.name("localhost", port: try #require(address.port))
            var configuration = TCPConnection.Configuration()
            configuration.connectTimeout = .seconds(50)
            try await TCPConnection.withConnection(to: endpoint, on: loop, configuration: configuration) {
                try await $0.send([1])
            }
            let peer = await acceptor.next()
            #expect(try await peer.inbound.first { _ in true } == [1])
            await peer.close()
        }
    }

    @Test("what is neither a name nor an address is refused")
    func badName() async {
        let error = await #expect(throws: IOError.self) {
            try await TCPConnection.withConnection(to: "no such host", port: 1, io: .epoll) { _ in }
        }
        #expect(error?.code == .badAddress)
    }
}
