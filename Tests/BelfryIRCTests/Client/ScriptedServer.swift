// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting

/// A server that lets everybody in and says what a test wants; clients are under one rule each, the last one that fits.
actor ScriptedServer: LoopBound {
    nonisolated let loop: EventLoop
    private let wire: LoopConfined<ScriptedWire>

    private static let shared = Result { try EventLoop(backend: .epoll) }

    init() throws {
        loop = try Self.shared.get()
        wire = LoopConfined(ScriptedWire(loop), to: loop)
    }

    /// Listens; the port.
    func start() throws -> UInt16 {
        let listener = try loop.listen(on: .loopback(port: 0), handler: wire.value)
        wire.value.listener = listener
        return loop.localAddress(of: listener)?.port ?? 0
    }

    /// What is sent for lines that begin like this, from now on.
    func answer(_ start: String, _ lines: String...) { wire.value.rules.append((start, lines)) }

    /// Sends to the client that came last.
    func send(_ lines: String...) { wire.value.send(lines) }

    /// Breaks off.
    func drop() { loop.close(wire.value.connection) }

    /// Takes no more connections.
    func stop() { loop.close(wire.value.listener) }

    /// What came so far, of all clients.
    var heard: [String] { wire.value.heard }

    func heard(_ line: String, times: Int = 1) -> Bool { heard.count { $0 == line } >= times }

    /// Waits until a line came so often.
    func waitFor(_ line: String, times: Int = 1) async throws {
        try await eventually("\(line) in \(heard)") { heard(line, times: times) }
    }
}

private final class ScriptedWire: IOHandler {
    private unowned let loop: EventLoop
    var listener = IOHandle.none
    var connection = IOHandle.none
    var rules: [(start: String, lines: [String])] = [
        ("NICK", []), ("USER", [":irc.test 001 belfry :Welcome"]), ("CAP LS", [":irc.test CAP * LS :multi-prefix"]),
    ]
    var heard: [String] = []
    private var rest: [UInt8] = []
    private var outgoing: [UInt8] = []

    init(_ loop: EventLoop) { self.loop = loop }

    func accepted(_ connection: IOHandle, on listener: IOHandle) {
        self.connection = connection
        rest = []
        outgoing = []
        loop.setHandler(self, of: connection)
        loop.startReceiving(connection)
    }

    func send(_ lines: [String]) {
        outgoing += lines.flatMap { Array("\($0)\r\n".utf8) }
        pump()
    }

    /// One send at a time: what comes meanwhile waits until the socket is writable again.
    private func pump() {
        let chunk = FrameChunk(capacity: outgoing.count, firstOffset: 0)
        guard !outgoing.isEmpty, chunk.append(outgoing.span) else { return }
        if case .queued = loop.send(SendBatch(Segment(chunk, 0, outgoing.count)), on: connection) { outgoing = [] }
    }

    func writable(_ handle: IOHandle) {
        guard handle == connection else { return }
        pump()
    }

    func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        rest.append(copying: bytes)
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: rest[..<end], as: UTF8.self).trimmingSuffix("\r")
            rest.removeSubrange(...end)
            heard.append(line)
            if let rule = rules.last(where: { line.hasPrefix($0.start) }) {
                send(rule.lines)
            } else if line.hasPrefix("JOIN ") {
                send(line.dropFirst(5).split(separator: ",").map { ":belfry!b@host JOIN \($0)" })
            } else if line.hasPrefix("PING ") {
                send([":irc.test PONG irc.test \(line.dropFirst(5))"])
            }
            if line.hasPrefix("QUIT") { loop.finish(connection) }
        }
    }

    func ended(_ handle: IOHandle) { loop.close(handle) }
    func failed(_ handle: IOHandle, _ error: IOError) { loop.close(handle) }
}

extension String {
    fileprivate func trimmingSuffix(_ end: Character) -> String { last == end ? String(dropLast()) : self }
}
