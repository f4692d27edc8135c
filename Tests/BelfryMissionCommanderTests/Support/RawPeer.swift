// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryJSON
import BelfryMissionCommander
import BelfryTesting
import Testing

/// A raw client: writes bytes as they are, and sees what comes, as bytes and cut into frames.
actor RawPeer: LoopBound {
    nonisolated let loop: EventLoop
    private let wire: LoopConfined<RawWire>

    /// The loop of all raw clients, apart from the loops under test.
    private static let shared = Result { try EventLoop(backend: .epoll) }

    init(to address: SocketAddress?) async throws {
        guard let address else { throw ConditionNotMet("an address") }
        let loop = try Self.shared.get()
        self.loop = loop
        wire = LoopConfined(RawWire(loop), to: loop)
        try await open(address)
    }

    /// A client that has said who it is.
    init(_ id: String, to address: SocketAddress?) async throws {
        try await self.init(to: address)
        try send(frameBytes("negotiation", #"{"id": "\#(id)"}"#))
    }

    private func open(_ address: SocketAddress) async throws {
        let wire = self.wire.value
        wire.handle = try loop.connect(to: address, handler: wire)
        while !wire.isConnected {
            if wire.hasEnded { throw IOError(.closed, "closed before it stood") }
            _ = await wire.news.park()
        }
    }

    func send(_ bytes: [UInt8]) throws {
        let wire = self.wire.value
        guard !wire.isClosed else { throw IOError(.closed, "the connection is closed") }
        wire.outgoing += bytes
        wire.pump()
    }

    /// Sends each byte in a turn of its own, which makes a segment of its own.
    func sendSlowly(_ bytes: [UInt8]) async throws {
        for byte in bytes {
            try send([byte])
            let turn = Parker<Void>()
            loop.schedule(after: .microseconds(200)) { turn.unpark() }
            _ = await turn.park()
        }
    }

    /// The next frame; nil when the connection ends first.
    func frame() async -> SeenFrame? {
        let wire = self.wire.value
        while wire.frames.isEmpty {
            guard !wire.hasEnded, !Task.isCancelled else { return nil }
            _ = await wire.news.park()
        }
        return wire.frames.removeFirst()
    }

    /// The next frames; fewer when the connection ends first.
    func frames(_ count: Int) async -> [SeenFrame] {
        var found: [SeenFrame] = []
        while found.count < count, let frame = await frame() { found.append(frame) }
        return found
    }

    /// The next bytes, instead of frames; fewer when the connection ends first.
    func bytes(_ count: Int) async -> [UInt8] {
        let wire = self.wire.value
        while wire.bytes.count < count {
            guard !wire.hasEnded, !Task.isCancelled else { break }
            _ = await wire.news.park()
        }
        defer { wire.bytes.removeFirst(min(count, wire.bytes.count)) }
        return Array(wire.bytes.prefix(count))
    }

    /// All text that came until some text was there; nil when the connection ends first.
    func text(until wanted: String) async -> String? {
        let wire = self.wire.value
        while true {
            let text = String(decoding: wire.bytes, as: UTF8.self)
            if text.contains(wanted) { return text }
            guard !wire.hasEnded, !Task.isCancelled else { return nil }
            _ = await wire.news.park()
        }
    }

    /// Waits for the end of the stream; false if a frame comes first.
    func ends() async -> Bool { await frame() == nil }

    var hasEnded: Bool { wire.value.hasEnded }

    func setReading(_ reading: Bool) {
        let wire = self.wire.value
        if reading { loop.startReceiving(wire.handle) } else { loop.pauseReceiving(wire.handle) }
    }

    /// Sends no more, but still reads.
    func finish() { loop.finish(wire.value.handle) }

    /// Closes at once.
    func close() async {
        let wire = self.wire.value
        loop.close(wire.handle)
        while !wire.isClosed { _ = await wire.news.park() }
    }
}

private final class RawWire: IOHandler {
    private let loop: EventLoop
    var handle = IOHandle.none
    var decoder = FrameDecoder()
    var bytes: [UInt8] = []
    var frames: [SeenFrame] = []
    var outgoing: [UInt8] = []
    var isConnected = false
    var hasEnded = false
    var isClosed = false
    let news = Parker<Void>()

    init(_ loop: EventLoop) { self.loop = loop }

    func pump() {
        guard isConnected, !outgoing.isEmpty else { return }
        let chunk = FrameChunk(capacity: outgoing.count, firstOffset: 0)
        guard chunk.append(outgoing.span) else { return }
        if case .queued = loop.send(SendBatch(Segment(chunk, 0, outgoing.count)), on: handle) { outgoing = [] }
    }

    func connected(_ handle: IOHandle) {
        isConnected = true
        loop.startReceiving(handle)
        pump()
        news.unpark()
    }

    func received(_ span: Span<UInt8>, on handle: IOHandle) {
        // Large messages are only looked at as frames.
        let kept = min(span.count, 64 * 1024 - bytes.count)
        if kept > 0 { bytes.append(bytes: span.extracting(0..<kept)) }
        decoder.decode(span) { part, body in
            frames.append(SeenFrame(part, body))
            return .next
        }
        news.unpark()
    }

    func writable(_ handle: IOHandle) { pump() }

    func ended(_ handle: IOHandle) {
        hasEnded = true
        news.unpark()
        loop.close(handle)
    }

    func failed(_ handle: IOHandle, _ error: IOError) {
        hasEnded = true
        news.unpark()
        loop.close(handle)
    }

    func closed(_ handle: IOHandle) {
        hasEnded = true
        isClosed = true
        news.unpark()
    }
}
