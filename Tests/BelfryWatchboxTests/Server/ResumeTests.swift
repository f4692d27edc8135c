// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryHistory
import BelfryIO
import BelfryTesting
import BelfryWatchbox
import Foundation
import Logging
import Testing

@Suite("Watchbox, resuming", .timeLimit(.minutes(3)))
struct WatchboxResumeTests {
    /// A broker with a store that listens.
    private func start(
        _ backend: BackendKind,
        _ path: String,
        port: UInt16
    ) async throws -> (broker: Broker, watchbox: Watchbox, web: HTTPServer, port: UInt16) {
        var settings = BrokerConfiguration(io: backend.choice, loops: 2)
        settings.store = SQLiteHistory(path, logger: .silent)
        settings.drainTimeout = .seconds(1)
        let broker = try Broker(configuration: settings, logger: .silent)
        let watchbox = Watchbox(broker: broker)
        let web = HTTPServer.web(broker: broker, address: .loopback(port: port)) { watchbox.addRoutes(to: &$0) }
        return (broker, watchbox, web, try await web.start().port ?? 0)
    }

    @Test("a client goes on over a restart of the server, with what it missed, once", arguments: BackendKind.testable)
    func restart(_ backend: BackendKind) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "belfry-watchbox-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appending(path: "history.db").path
        let first = try await start(backend, path, port: 0)
        var configuration = WatchboxClient.Configuration()
        configuration.retryInterval = .milliseconds(20)
        let client = try WatchboxClient(
            "http://127.0.0.1:\(first.port)",
            configuration: configuration,
            io: backend.choice,
            logger: .silent
        )
        var joins = first.watchbox.joins.makeAsyncIterator()
        let messages = client.join("foo")
        _ = try await joins.next()
        first.watchbox.publish(.json("0"), to: "foo")
        var heard = try await take(1, from: messages)
        await first.broker.shutDown()
        let second = try await start(backend, path, port: first.port)
        for number in 1...40 { second.watchbox.publish(.json("\(number)"), to: "foo") }
        while heard.last != "40" { heard += try await take(1, from: messages) }
        #expect(heard.filter { $0 != "0" } == (1...40).map(String.init))
        await client.close()
        await second.broker.shutDown()
    }

    @Test("more than the list's limit is told as lost", arguments: BackendKind.testable)
    func lost(_ backend: BackendKind) async throws {
        try await withWatchbox(LoopSetup(backend, loops: 1)) { server in
            let first = try await server.page()
            #expect(try await first.post("join", "group=foo&resume=") == "wb31")
            let room = try await server.broker.room("foo")
            for number in 0..<80 { server.watchbox.publish(.json("\(number)"), to: "foo") }
            try await eventually("published") { await room.position?.offset == 79 }
            let late = try await server.page()
            let answer = try await late.ask("join", "group=foo&resume=\(String(room.epoch, radix: 16)).10")
            #expect(answer.body == "wb31")
            #expect(answer.fields["x-watchbox-position"] == "\(String(room.epoch, radix: 16)).30")
            #expect(answer.fields["x-watchbox-recovered"] == "false")
            #expect(answer.fields["x-watchbox-lost"] == "20")
            let batch = try await late.post("get", "group=foo&wait=1000&batch=100&at=1")
            #expect(batch.hasPrefix(#"[{"group":"foo","message":30,"at":30},{"group":"foo","message":31,"at":31}"#))
            #expect(batch.hasSuffix(#"{"group":"foo","message":79,"at":79}]"#))
        }
    }

    @Test("a client that does not ask gets answers as ever", arguments: BackendKind.testable)
    func originals(_ backend: BackendKind) async throws {
        try await withWatchbox(LoopSetup(backend, loops: 1)) { server in
            let page = try await server.page()
            let answer = try await page.ask("join", "group=foo")
            #expect(answer.body == "wb31")
            #expect(answer.fields["x-watchbox-position"] == nil)
            server.watchbox.publish(.json("1"), to: "foo")
            #expect(try await page.post("get", "group=foo&wait=1000&batch=9") == #"[{"group":"foo","message":1}]"#)
        }
    }
}
