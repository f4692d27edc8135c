// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

@testable import BelfryHTTP
import BelfryIO

/// A server with the manners of the original of 2013: its answer to the handshake, receipts, no pong, `88 00`.
actor OriginalServer: LoopBound {
    nonisolated let loop: EventLoop
    private let wire: LoopConfined<OriginalWire>

    init(on loop: EventLoop) {
        self.loop = loop
        wire = LoopConfined(OriginalWire(loop), to: loop)
    }

    /// Listens; the port.
    func start() throws -> UInt16 {
        let listener = try loop.listen(on: .loopback(port: 0), handler: wire.value)
        return loop.localAddress(of: listener)?.port ?? 0
    }

    /// What the next connection gets before the answer to its handshake, as happens when another client leaves.
    func greetTooEarly(_ bytes: [UInt8]) { wire.value.early = bytes }

    /// Sends to the client that came last.
    func send(_ bytes: [UInt8]) { wire.value.send(bytes) }

    var connections: Int { wire.value.connections }
    var ends: Int { wire.value.ends }
    /// The frames that came: opcode, whether masked and whole, and the payload as text.
    var frames: [Frame] { wire.value.frames }

    struct Frame: Sendable, Equatable {
        var first: UInt8
        var isMasked: Bool
        var text: String
    }
}

private final class OriginalWire: IOHandler {
    private unowned let loop: EventLoop
    private var connection = IOHandle.none
    var early: [UInt8]?
    var connections = 0
    var ends = 0
    var frames: [OriginalServer.Frame] = []
    private var rest: [UInt8] = []
    private var isOpen = false

    init(_ loop: EventLoop) { self.loop = loop }

    func accepted(_ connection: IOHandle, on listener: IOHandle) {
        self.connection = connection
        connections += 1
        rest = []
        isOpen = false
        loop.setHandler(self, of: connection)
        loop.startReceiving(connection)
    }

    func send(_ bytes: [UInt8]) {
        let chunk = FrameChunk(capacity: bytes.count, firstOffset: 0)
        guard chunk.append(bytes.span) else { return }
        _ = loop.send(SendBatch(Segment(chunk, 0, bytes.count)), on: connection)
    }

    static func frame(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        guard bytes.count > 125 else { return [0x81, UInt8(bytes.count)] + bytes }
        return [0x81, 126, UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
    }

    func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        rest.append(copying: bytes)
        guard isOpen else { return shakeHands() }
        while readFrame() {}
    }

    private func shakeHands() {
        guard rest.suffix(4) == [13, 10, 13, 10] else { return }
        let head = String(decoding: rest, as: UTF8.self)
        rest = []
        isOpen = true
        guard let line = head.split(separator: "\r\n").first(where: { $0.hasPrefix("Sec-WebSocket-Key: ") }) else {
            return
        }
        let accept = WebSocketKey.accept(String(line.dropFirst(19)))
        let answer =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: \(accept)\r\n\r\n"
        send((early ?? []) + Array(answer.utf8))
        early = nil
    }

    /// One whole frame with a length of at most 16 bits.
    private func readFrame() -> Bool {
        guard rest.count >= 6 else { return false }
        let isLong = rest[1] & 127 == 126
        let length = isLong ? Int(rest[2]) << 8 | Int(rest[3]) : Int(rest[1] & 127)
        let start = isLong ? 8 : 6
        guard rest.count >= start + length else { return false }
        let key = Array(rest[(start - 4)..<start])
        let payload = rest[start..<(start + length)].enumerated().map { $1 ^ key[$0 & 3] }
        let text = String(decoding: payload, as: UTF8.self)
        frames.append(.init(first: rest[0], isMasked: rest[1] & 128 != 0, text: text))
        let opcode = rest[0] & 15
        rest.removeFirst(start + length)
        if opcode == 1 {
            let id = text.split(separator: "\"", maxSplits: 4).dropFirst(3).first.map(String.init) ?? ""
            send(Self.frame(Station.receipt(of: id)))
        } else if opcode == 8 {
            send([0x88, 0])
            loop.finish(connection)
        }
        return true
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
