// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryNucosMQ

/// A server that does what a test says: writes down what clients send, and when, and answers by rule.
actor ScriptedServer: LoopBound {
    nonisolated let loop: EventLoop
    private let wire: LoopConfined<ScriptedWire>

    /// One message of a client.
    struct Heard: Sendable, Equatable {
        /// The JSON, without its terminator.
        let text: String
        /// The loop's clock, in nanoseconds since the connection came.
        let time: Int64
    }

    init(on loop: EventLoop) {
        self.loop = loop
        wire = LoopConfined(ScriptedWire(loop), to: loop)
    }

    /// Listens; the port.
    func start() throws -> UInt16 {
        let listener = try loop.listen(on: .loopback(port: 0), handler: wire.value)
        wire.value.listener = listener
        return loop.localAddress(of: listener)?.port ?? 0
    }

    /// What is sent as soon as a client has come.
    func greet(_ texts: String...) { wire.value.greeting = texts.flatMap { Array($0.utf8) } }

    /// What is sent when a client's message holds a text, once per message.
    func answer(_ part: String, _ texts: String...) {
        wire.value.rules.append((part, texts.flatMap { Array($0.utf8) }))
    }

    /// Sends to the client that came last.
    func send(_ texts: String...) { wire.value.send(texts.flatMap { Array($0.utf8) }) }

    /// Ends the stream to the client that came last.
    func finish() { loop.finish(wire.value.connection) }

    /// Breaks off.
    func drop() { loop.close(wire.value.connection) }

    /// Runs `body` on the server's loop.
    func onLoop<Answer: Sendable>(_ body: @Sendable () async throws -> Answer) async throws -> Answer {
        try await body()
    }

    /// Takes no more connections.
    func stopListening() { loop.close(wire.value.listener) }

    /// What came so far, of all clients.
    var heard: [Heard] { wire.value.heard }
    var texts: [String] { wire.value.heard.map(\.text) }
    /// How many came, and how many ended their stream or broke off.
    var connections: Int { wire.value.connections }
    var ends: Int { wire.value.ends }
}

private final class ScriptedWire: IOHandler {
    private unowned let loop: EventLoop
    var listener = IOHandle.none
    var connection = IOHandle.none
    var greeting: [UInt8] = []
    var rules: [(part: String, bytes: [UInt8])] = []
    var heard: [ScriptedServer.Heard] = []
    var connections = 0
    var ends = 0
    private var since: Int64 = 0
    private var rest: [UInt8] = []

    init(_ loop: EventLoop) { self.loop = loop }

    func accepted(_ connection: IOHandle, on listener: IOHandle) {
        self.connection = connection
        connections += 1
        since = loop.nowNanoseconds
        rest = []
        loop.setHandler(self, of: connection)
        loop.startReceiving(connection)
        if !greeting.isEmpty { send(greeting) }
    }

    func send(_ bytes: [UInt8]) {
        let chunk = FrameChunk(capacity: bytes.count, firstOffset: 0)
        guard chunk.append(bytes.span) else { return }
        _ = loop.send(SendBatch(Segment(chunk, 0, bytes.count)), on: connection)
    }

    func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        rest.append(copying: bytes)
        let time = loop.nowNanoseconds - since
        var answer: [UInt8] = []
        while let end = rest.firstRange(of: Array("_EOM_".utf8)) {
            let text = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
            rest.removeSubrange(..<end.upperBound)
            heard.append(.init(text: text, time: time))
            for (part, bytes) in rules where text.contains(part) { answer += bytes }
        }
        if !answer.isEmpty { send(answer) }
    }

    func ended(_ handle: IOHandle) {
        ends += 1
        loop.close(handle)
    }

    func failed(_ handle: IOHandle, _ error: IOError) {
        ends += 1
        loop.close(handle)
    }
}

/// One message as a server writes it.
func message(_ event: String, _ content: String, room: String? = nil) -> String {
    let member = room.map { #", "room": "\#($0)""# } ?? ""
    return #"{"data": {"event": "\#(event)", "content": \#(content)\#(member)}}_EOM_"#
}
