// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting

/// A response as it came over the wire.
struct Answer: Equatable {
    var status = 0
    /// By lowercase name.
    var fields: [String: String] = [:]
    var body = ""
}

/// One connection of a page: posts forms with the cookie that it was given, reads one answer after the other.
actor Page: LoopBound {
    nonisolated let loop: EventLoop
    /// As in `__wb.client=…`.
    private(set) var cookie: String?
    private let wire: LoopConfined<Wire>

    /// The loop of all pages, apart from the loops under test.
    private static let shared = Result { try EventLoop(backend: .epoll) }

    init(to address: SocketAddress, on loop: EventLoop? = nil, cookie: String? = nil) async throws {
        let loop = try loop ?? Self.shared.get()
        self.loop = loop
        self.cookie = cookie
        wire = LoopConfined(Wire(loop), to: loop)
        try await open(address)
    }

    private func open(_ address: SocketAddress) async throws {
        let wire = self.wire.value
        wire.handle = try loop.connect(to: address, handler: wire)
        while !wire.isConnected {
            guard !wire.isClosed else { throw IOError(.closed, "closed before it stood") }
            _ = await wire.news.park()
        }
    }

    /// The client's name, once it is registered.
    var uid: String { String(cookie?.dropFirst("__wb.client=".count) ?? "") }

    /// Sends a request.
    func send(_ type: String, _ form: String = "", method: String = "POST", fields: [String] = []) throws {
        try send(raw: request(type, form, method: method, fields: fields))
    }

    /// Sends requests in one go, and reads the answer to the first.
    func askFirst(of requests: (type: String, form: String)...) async throws -> String {
        try send(raw: requests.map { request($0.type, $0.form) }.joined())
        return try await answer().body
    }

    private func request(_ type: String, _ form: String, method: String = "POST", fields: [String] = []) -> String {
        var head = ["\(method) /watchbox.\(type).wb HTTP/1.1", "Host: page.test", "Content-Length: \(form.utf8.count)"]
        if !form.isEmpty { head.append("Content-Type: application/x-www-form-urlencoded; charset=UTF-8") }
        if let cookie { head.append("Cookie: other=1; \(cookie)") }
        return (head + fields).joined(separator: "\r\n") + "\r\n\r\n" + form
    }

    func send(raw text: String) throws {
        let wire = self.wire.value
        guard !wire.isClosed else { throw IOError(.closed, "the connection is closed") }
        wire.outgoing += Array(text.utf8)
        wire.pump()
    }

    /// The next answer.
    ///
    /// - Throws: when the connection ends before.
    func answer() async throws -> Answer {
        let wire = self.wire.value
        while true {
            if let answer = wire.takeAnswer() {
                if let setting = answer.fields["set-cookie"] { cookie = String(setting.prefix { $0 != ";" }) }
                return answer
            }
            guard !wire.hasEnded else { throw ConditionNotMet("no answer before the end") }
            _ = await wire.news.park()
        }
    }

    /// Sends a request and reads the answer.
    @discardableResult
    func ask(
        _ type: String,
        _ form: String = "",
        method: String = "POST",
        fields: [String] = []
    ) async throws -> Answer {
        try send(type, form, method: method, fields: fields)
        return try await answer()
    }

    /// The same, for the body alone.
    @discardableResult
    func post(_ type: String, _ form: String = "") async throws -> String { try await ask(type, form).body }

    /// Runs something on the loop.
    func run(_ body: @Sendable (isolated Page) async throws -> Void) async throws { try await body(self) }

    /// Waits by the loop's clock.
    func pause(_ duration: Duration) async {
        let parker = Parker<Void>()
        loop.schedule(after: duration) { parker.unpark() }
        _ = await parker.park()
    }

    func finish() { loop.finish(wire.value.handle) }
    func close() { loop.close(wire.value.handle) }
}

private final class Wire: IOHandler {
    private let loop: EventLoop
    var handle = IOHandle.none
    var arrived: [UInt8] = []
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

    /// The first answer, if it is complete.
    func takeAnswer() -> Answer? {
        let text = String(decoding: arrived, as: UTF8.self)
        guard let end = arrived.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = text.components("\r\n\r\n")[0].components("\r\n")
        var answer = Answer(status: Int(lines[0].split(separator: " ")[1]) ?? 0)
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            answer.fields[parts[0].lowercased()] = parts[1].drop { $0 == " " }.description
        }
        let length = answer.fields["content-length"].flatMap { Int($0) } ?? 0
        guard arrived.count >= end.upperBound + length else { return nil }
        answer.body = String(decoding: arrived[end.upperBound..<end.upperBound + length], as: UTF8.self)
        arrived.removeFirst(end.upperBound + length)
        return answer
    }

    func connected(_ handle: IOHandle) {
        isConnected = true
        loop.startReceiving(handle)
        pump()
        news.unpark()
    }

    func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        for index in bytes.indices { arrived.append(bytes[index]) }
        news.unpark()
    }

    func writable(_ handle: IOHandle) { pump() }

    func ended(_ handle: IOHandle) {
        hasEnded = true
        news.unpark()
        loop.close(handle)
    }

    func failed(_ handle: IOHandle, _ error: IOError) { loop.close(handle) }

    func closed(_ handle: IOHandle) {
        hasEnded = true
        isClosed = true
        news.unpark()
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}
