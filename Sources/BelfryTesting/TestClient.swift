// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO

/// A raw client of lines: sees what comes over the wire, and can refuse to read.
package actor TestClient: LoopBound {
    package nonisolated let loop: EventLoop
    private let wire: LoopConfined<Wire>

    /// The loop of all test clients, apart from the loops under test.
    private static let shared = Result { try EventLoop(backend: .epoll) }

    /// Connects.
    ///
    /// - Throws: ``IOError`` when nobody listens there.
    package init(to address: SocketAddress) async throws {
        let loop = try Self.shared.get()
        let wire = LoopConfined(Wire(loop), to: loop)
        self.loop = loop
        self.wire = wire
        try await open(address)
    }

    private func open(_ address: SocketAddress) async throws {
        let wire = self.wire.value
        wire.handle = try loop.connect(to: address, handler: wire)
        while !wire.isConnected {
            if let error = wire.failure { throw error }
            if wire.isClosed { throw IOError(.closed, "closed before it stood") }
            _ = await wire.news.park()
        }
    }

    /// Sends a line.
    package func send(_ line: String) throws { try send(Array((line + "\n").utf8)) }

    /// Sends bytes; however many there are, in the order of the calls.
    package func send(_ bytes: [UInt8]) throws {
        let wire = self.wire.value
        guard !wire.isClosed else { throw IOError(.closed, "the connection is closed") }
        wire.outgoing += bytes
        wire.pump()
    }

    /// The next line without its end; nil when the connection ends first.
    package func line() async -> String? {
        let wire = self.wire.value
        while wire.nextLine == wire.lines.count {
            guard !wire.hasEnded, !Task.isCancelled else { return nil }
            _ = await wire.news.park()
        }
        defer {
            wire.nextLine += 1
            if wire.nextLine == wire.lines.count {
                wire.lines = []
                wire.nextLine = 0
            }
        }
        return wire.lines[wire.nextLine]
    }

    /// The next lines; fewer when the connection ends first.
    package func lines(_ count: Int) async -> [String] {
        var found: [String] = []
        while found.count < count, let line = await line() { found.append(line) }
        return found
    }

    /// Reads up to and including a line.
    package func skip(to wanted: String) async throws {
        while let line = await line() {
            if line == wanted { return }
        }
        throw ConditionNotMet("the line \(wanted) did not come before the end")
    }

    /// All lines until the connection ends.
    package func remainingLines() async -> [String] { await lines(.max) }

    /// All bytes that came so far.
    package var receivedBytes: Int { wire.value.receivedBytes }

    /// Stops or goes on reading.
    package func setReading(_ reading: Bool) {
        let wire = self.wire.value
        if reading { loop.startReceiving(wire.handle) } else { loop.pauseReceiving(wire.handle) }
    }

    /// Sends no more, but still reads.
    package func finish() { loop.finish(wire.value.handle) }

    /// Closes at once.
    package func close() { loop.close(wire.value.handle) }
}

private final class Wire: IOHandler {
    private let loop: EventLoop
    var handle = IOHandle.none
    var lines: [String] = []
    var nextLine = 0
    var partial: [UInt8] = []
    var receivedBytes = 0
    var outgoing: [UInt8] = []
    var isConnected = false
    var hasEnded = false
    var isClosed = false
    var failure: IOError?
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

    func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        receivedBytes += bytes.count
        for index in bytes.indices {
            if bytes[index] == 10 {
                lines.append(String(decoding: partial, as: UTF8.self))
                partial.removeAll(keepingCapacity: true)
            } else {
                partial.append(bytes[index])
            }
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
        failure = error
        loop.close(handle)
    }

    func closed(_ handle: IOHandle) {
        hasEnded = true
        isClosed = true
        news.unpark()
    }
}
