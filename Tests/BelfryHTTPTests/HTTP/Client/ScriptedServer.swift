// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP
import BelfryIO
import HTTPTypes

/// A server that answers what a test says, byte for byte, and ends connections when it says so.
actor ScriptedServer: LoopBound {
    /// What a request gets; requests come in the order of the script.
    enum Step: Sendable {
        case answer(String)
        /// And then the connection ends.
        case answerAndClose(String)
        case close
        case silence
    }

    nonisolated let loop: EventLoop
    private let wire: LoopConfined<ScriptedWire>

    init(on loop: EventLoop, _ steps: [Step]) {
        self.loop = loop
        wire = LoopConfined(ScriptedWire(loop, steps), to: loop)
    }

    /// Listens; its URL.
    func start() throws -> HTTPURL {
        let listener = try loop.listen(on: .loopback(port: 0), handler: wire.value)
        return try HTTPURL("http://127.0.0.1:\(loop.localAddress(of: listener)?.port ?? 0)")
    }

    /// Ends the newest connection, and returns when it is gone.
    func hangUp() { wire.value.hangUp() }

    var connections: Int { wire.value.connections }
    var requests: [String] { wire.value.requests }
}

private final class ScriptedWire: IOHandler {
    private unowned let loop: EventLoop
    private var steps: [ScriptedServer.Step]
    private var newest = IOHandle.none
    private var pending: [UInt8] = []
    var connections = 0
    var requests: [String] = []

    init(_ loop: EventLoop, _ steps: [ScriptedServer.Step]) {
        self.loop = loop
        self.steps = steps
    }

    func accepted(_ connection: IOHandle, on listener: IOHandle) {
        newest = connection
        connections += 1
        pending = []
        loop.setHandler(self, of: connection)
        loop.startReceiving(connection)
    }

    func hangUp() { loop.finish(newest) }

    func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        pending.append(copying: bytes)
        let text = String(decoding: pending, as: UTF8.self)
        // The tests' bodies end in a bang.
        guard text.hasSuffix("\r\n\r\n") && !text.contains("Content-Length: ") || text.hasSuffix("!") else { return }
        requests.append(text)
        pending = []
        guard !steps.isEmpty else { return loop.close(handle) }
        switch steps.removeFirst() {
        case .answer(let text): send(text, on: handle)
        case .answerAndClose(let text):
            send(text, on: handle)
            loop.finish(handle)
        case .close: loop.close(handle)
        case .silence: break
        }
    }

    private func send(_ text: String, on handle: IOHandle) {
        let bytes = Array(text.utf8)
        let chunk = FrameChunk(capacity: bytes.count, firstOffset: 0)
        guard chunk.append(bytes.span) else { return }
        _ = loop.send(SendBatch(Segment(chunk, 0, bytes.count)), on: handle)
    }

    func ended(_ handle: IOHandle) { loop.close(handle) }
    func failed(_ handle: IOHandle, _ error: IOError) { loop.close(handle) }
}

/// A client's connection, for tests off its loop.
actor TestHTTPClient: LoopBound {
    nonisolated let loop: EventLoop
    private let connection: LoopConfined<HTTPClientConnection>

    init(_ url: HTTPURL, on loop: EventLoop, _ configuration: HTTPClientConnection.Configuration = .init()) {
        self.loop = loop
        connection = LoopConfined(HTTPClientConnection(url, on: loop, configuration: configuration), to: loop)
    }

    /// `200 body`, or what went wrong.
    func send(_ request: HTTPClientRequest, timeout: Duration? = nil) async -> String {
        do throws(HTTPClientError) {
            let response = try await connection.value.send(request, timeout: timeout)
            return "\(response.status) \(String(decoding: response.body, as: UTF8.self))"
        } catch {
            return error.code.rawValue
        }
    }

    func get() async -> String { await send(HTTPClientRequest(.get, "/")) }
    func post() async -> String { await send(HTTPClientRequest(.post, "/", body: Array("body!".utf8))) }
    func close() { connection.value.close() }
    func reset() { connection.value.reset() }
    var connectionCount: Int { connection.value.connectionCount }
}
