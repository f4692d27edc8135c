// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

/// A line between clients and a server that can be cut, with what is under way on it.
actor CuttableLine: LoopBound {
    nonisolated let loop: EventLoop
    /// Where clients connect.
    nonisolated let address: SocketAddress
    private let wire: LoopConfined<LineWire>

    /// The loop of all lines, apart from the loops under test.
    private static let shared = Result { try EventLoop(backend: .epoll) }

    init(to server: SocketAddress?) async throws {
        let loop = try Self.shared.get()
        let listening = try await Listening(loop).start(server)
        (self.loop, wire, address) = (loop, listening.0, listening.1)
    }

    private actor Listening: LoopBound {
        nonisolated let loop: EventLoop

        init(_ loop: EventLoop) { self.loop = loop }

        func start(_ server: SocketAddress?) throws -> (LoopConfined<LineWire>, SocketAddress) {
            let wire = LineWire(loop, server)
            let listener = try loop.listen(on: .ownHost, handler: wire)
            let address = try #require(loop.localAddress(of: listener))
            return (LoopConfined(wire, to: loop), address)
        }
    }

    /// Where the next connections lead; nil refuses them.
    func lead(to server: SocketAddress?) { wire.value.server = server }

    /// What servers say is taken from now on, up to the next cut, and goes nowhere, as into the buffers of a dead link.
    func swallow() { wire.value.isSwallowing = true }

    /// Cuts every connection, on both sides at once.
    func cut() { wire.value.cut() }

    /// Bytes that were swallowed so far.
    var swallowed: Int { wire.value.swallowed }

    /// Connections that stand.
    var connections: Int { wire.value.ends.count / 2 }
}

private final class LineWire: IOHandler {
    private let loop: EventLoop
    var server: SocketAddress?
    var isSwallowing = false
    var swallowed = 0
    /// Each end's other end.
    var ends: [IOHandle: IOHandle] = [:]
    private var fromServer: Set<IOHandle> = []
    private var waiting: [IOHandle: [UInt8]] = [:]
    /// Ends that are told no more.
    private var halfEnded: Set<IOHandle> = []

    init(_ loop: EventLoop, _ server: SocketAddress?) {
        self.loop = loop
        self.server = server
    }

    func cut() {
        isSwallowing = false
        for end in ends.keys { loop.close(end) }
        ends = [:]
        fromServer = []
        halfEnded = []
        waiting = [:]
    }

    func accepted(_ connection: IOHandle, on listener: IOHandle) {
        guard let server, let other = try? loop.connect(to: server, handler: self) else {
            return loop.close(connection)
        }
        loop.setHandler(self, of: connection)
        ends[connection] = other
        ends[other] = connection
        fromServer.insert(other)
    }

    func connected(_ handle: IOHandle) {
        guard let client = ends[handle] else { return }
        loop.startReceiving(handle)
        loop.startReceiving(client)
    }

    func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        guard let other = ends[handle] else { return }
        if isSwallowing, fromServer.contains(handle) {
            swallowed += bytes.count
            return
        }
        var copy: [UInt8] = []
        copy.append(copying: bytes)
        waiting[other, default: []] += copy
        pump(other)
    }

    func writable(_ handle: IOHandle) { pump(handle) }

    private func pump(_ handle: IOHandle) {
        guard let bytes = waiting[handle], !bytes.isEmpty else { return }
        if case .queued = loop.send(SendBatch(copying: bytes), on: handle) { waiting[handle] = [] }
    }

    func ended(_ handle: IOHandle) {
        guard let other = ends[handle], halfEnded.insert(other).inserted, !halfEnded.contains(handle) else {
            return drop(handle)
        }
        loop.finish(other)
    }

    func failed(_ handle: IOHandle, _ error: IOError) { drop(handle) }
    func closed(_ handle: IOHandle) { drop(handle) }

    private func drop(_ handle: IOHandle) {
        loop.close(handle)
        guard let other = ends.removeValue(forKey: handle) else { return }
        ends[other] = nil
        for end in [handle, other] {
            fromServer.remove(end)
            halfEnded.remove(end)
            waiting[end] = nil
        }
        loop.close(other)
    }
}
