// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryHistory
import BelfryIO
import BelfryTesting
import Foundation
import HTTPTypes
import Logging
import Testing

@testable import BelfryPocketsocket

@Suite("Pocketsocket, resuming", .timeLimit(.minutes(3)))
struct ResumeTests {
    /// A client that resumes, and what it was told first.
    private func connect(
        _ running: RunningPocketsocket,
        _ query: String = "resume"
    ) async throws -> (client: SocketReader, start: Start) {
        let url = try WebSocketURL("ws://\(running.address)/?\(query)")
        let client = SocketReader(try await WebSocketClient.open(url, on: running.broker.loop))
        let text = try await client.text()
        let start = text.flatMap { try? JSONDecoder().decode(Start.self, from: Data($0.utf8)) }
        return (client, try #require(start, "\(text ?? "nothing")"))
    }

    private struct Start: Decodable {
        let socket: String
        let epoch: String
        let offset: UInt64
        let session: String
        let recovered: Bool
        let lost: Int?
    }

    /// The offset of an object, or of nothing `nil`, and what `data` says.
    private struct Positioned: Decodable, Equatable {
        let at: UInt64?
        let data: Int?
    }

    private func next(_ client: SocketReader) async throws -> Positioned {
        while let text = try await client.text() {
            if text.contains(#""socket": "#) { continue }
            return try JSONDecoder().decode(Positioned.self, from: Data(text.utf8))
        }
        throw SocketReader.Unexpected(text: nil)
    }

    private func message(_ data: Int) -> String { #"{"id":"0.1","message":"a.b","data":\#(data)}"# }

    @Test("who comes back gets what it missed, once, in order, and not its own", arguments: LoopSetup.all)
    func resume(_ setup: LoopSetup) async throws {
        try await withPocketsocket(setup) { running in
            let (first, start) = try await connect(running)
            #expect(start.socket == "resume")
            #expect(start.recovered)
            let original = try await running.connect()
            try await original.send(message(0))
            let seen = try await next(first)
            #expect(seen.data == 0)
            let at = try #require(seen.at)
            // The last word of a connection, which nobody else may have heard of when it ends.
            try await first.send(message(-1))
            _ = try await first.text()
            await first.socket.close()
            try await eventually("it has gone") { running.server.clientCount == 1 }
            for number in 1...100 { try await original.send(message(number)) }
            for _ in 1...100 { while try await original.text()?.contains(#""sent""#) == false {} }
            let query = "resume=\(start.epoch).\(at + 1)&session=\(start.session)"
            let (again, restart) = try await connect(running, query)
            #expect(restart.recovered)
            #expect(restart.lost == 0)
            #expect(restart.offset == at + 1)
            var offset = at
            for number in 1...100 {
                let found = try await next(again)
                #expect(found.data == number)
                #expect(try #require(found.at) > offset)
                offset = found.at ?? offset
            }
            try await original.send(message(101))
            let live = try await next(again)
            #expect(live.data == 101)
            #expect(try #require(live.at) > offset)
        }
    }

    @Test("what is not kept any more is said to be lost", arguments: LoopSetup.all)
    func lost(_ setup: LoopSetup) async throws {
        try await withPocketsocket(setup, configure: { $0.resumeHistory.messages = 10 }) { running in
            let (first, start) = try await connect(running)
            for number in 0..<30 { running.server.sendToAll(message(number)) }
            for number in 0..<30 { #expect(try await next(first).data == number) }
            let (late, restart) = try await connect(running, "resume=\(start.epoch).\(start.offset)")
            #expect(!restart.recovered)
            let lost = try #require(restart.lost)
            // 30 messages and the presence of the one that came.
            #expect(lost == 21 || lost == 20)
            #expect(restart.offset == start.offset + UInt64(lost))
            #expect(try await next(late).data == (lost == 21 ? 21 : 20))
            let (other, unknown) = try await connect(running, "resume=0.0&limit=3")
            #expect(!unknown.recovered)
            #expect(unknown.lost == nil)
            _ = other
        }
    }

    @Test("clients that do not ask hear what they always did", arguments: BackendKind.testable)
    func originals(_ backend: BackendKind) async throws {
        try await withPocketsocket(LoopSetup(backend, loops: 1)) { running in
            let (resuming, _) = try await connect(running)
            let original = try await running.connect()
            let text = #" {"id" : "0.1", "message":"a.b"} "#
            running.server.sendToAll(text)
            running.server.sendToAll("no object")
            #expect(try await original.text() == text)
            #expect(try await original.text() == "no object")
            try await resuming.skip("connected")
            #expect(try await resuming.text()?.hasPrefix(#" {"id" : "0.1", "message":"a.b","at":"#) == true)
            #expect(try await resuming.text() == "no object")
        }
    }

    @Test("a restart of a broker with a store loses nothing", arguments: BackendKind.testable)
    func restart(_ backend: BackendKind) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "belfry-resume-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let path = directory.appending(path: "history.db").path
        let quiet = logger
        func run(_ body: (RunningPocketsocket) async throws -> Void) async throws {
            try await withPocketsocket(
                LoopSetup(backend, loops: 1),
                broker: { $0.store = SQLiteHistory(path, logger: quiet) },
                body
            )
        }
        var position = ""
        try await run { running in
            let (first, start) = try await connect(running)
            running.server.sendToAll(message(0))
            let at = try #require(try await next(first).at)
            position = "\(start.epoch).\(at + 1)"
            await first.socket.close()
            try await eventually("it has gone") { running.server.clientCount == 0 }
            for number in 1..<500 { running.server.sendToAll(message(number)) }
        }
        try await run { running in
            let (again, start) = try await connect(running, "resume=\(position)")
            #expect(start.recovered)
            for number in 1..<500 { #expect(try await next(again).data == number) }
            let browser = try Browser(running)
            let body = try await browser.get("/pocketsocket/history?limit=2&before=5")
            #expect(body.hasPrefix(#"{"epoch":""#))
            #expect(body.contains(#""at":4}],"older":3}"#), "\(body)")
        }
    }

    @Test("who resumes after a restart hears sessions that came before it", arguments: BackendKind.testable)
    func renumbered(_ backend: BackendKind) async throws {
        var query = ""
        try await withPocketsocket(LoopSetup(backend, loops: 1)) { running in
            let (_, start) = try await connect(running)
            query = "resume=\(start.epoch).\(start.offset)&session=\(start.session)"
        }
        try await withPocketsocket(LoopSetup(backend, loops: 1)) { running in
            let (first, _) = try await connect(running)
            try await first.send(message(7))
            _ = try await first.text()
            #expect(try await next(connect(running, query).client).data == 7)
        }
    }

    @Test("the Swift client misses nothing when its link breaks", arguments: BackendKind.testable)
    func client(_ backend: BackendKind) async throws {
        try await withPocketsocket(LoopSetup(backend, loops: 1)) { running in
            var configuration = PocketsocketClient.Configuration()
            configuration.reconnect?.firstPause = .milliseconds(5)
            let address = try PocketsocketClient.Address(host: "127.0.0.1", port: running.address.port ?? 0)
            let client = try PocketsocketClient(
                servers: [address],
                configuration: configuration,
                io: backend.choice,
                logger: .silent
            )
            let core = client.channel("socket").events
            let heard = client.channel("a").events(limit: 10_000)
            try await client.connect()
            try await skip(to: "resume", in: core)
            for round in 0..<5 {
                for session in await running.broker.sessions { await session.close() }
                for number in 0..<20 { running.server.signal("a", "b", .json("\(round * 20 + number)")) }
                let event = try await skip(to: "resume", in: core)
                #expect(event.data.text.contains(#""recovered": true"#))
            }
            let found = try await take(100, from: heard) { $0.text }
            #expect(found == (0..<100).map(String.init))
            await client.close()
        }
    }

    @Test("a query is read as it is written, and nonsense is as if it was not there")
    func query() {
        #expect(ResumeRequest(query: nil) == nil)
        #expect(ResumeRequest(query: "a=b") == nil)
        #expect(ResumeRequest(query: "resume") == ResumeRequest())
        #expect(ResumeRequest(query: "resume=x.y&session=-") == ResumeRequest())
        #expect(ResumeRequest(query: "resume=ff") == ResumeRequest())
        let request = ResumeRequest(next: RoomPosition(epoch: .max, offset: 7), session: SessionID(511))
        #expect(request.query == "resume=ffffffffffffffff.7&session=1ff")
        #expect(ResumeRequest(query: "x=1&" + request.query) == request)
        #expect(ResumeRequest(query: "resume&limit=-5")?.limit == 0)
        #expect(ResumeRequest(query: "resume&limit=99999999")?.limit == 10_000)
    }
}

/// Asks for pages.
private actor Browser: LoopBound {
    nonisolated let loop: EventLoop
    private let url: HTTPURL

    init(_ running: RunningPocketsocket) throws {
        loop = running.broker.loop
        url = try HTTPURL("http://\(running.address)/")
    }

    func get(_ path: String) async throws -> String {
        let connection = HTTPClientConnection(url, on: loop)
        let response = try await connection.send(HTTPClientRequest(.get, path))
        connection.close()
        return String(decoding: response.body, as: UTF8.self)
    }
}
