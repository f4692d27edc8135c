// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryTesting
import Logging
import Testing

@testable import BelfryMissionCommander

@Suite("What a client receives and sends", .timeLimit(.minutes(3)))
struct ClientMessageTests {
    @Test("the callbacks of a server's shutdown return before the client ends", arguments: BackendKind.testable)
    func shutdown(_ backend: BackendKind) async throws {
        try await withRawServer(backend, configure: { $0.callbackTimeout = .seconds(600) }) { bench, server, watched in
            let client = watched.client
            let (began, mayEnd) = (Parker<Void>(), Parker<Void>())
            try await client.subscribe("on-server-shutdown") {
                began.unpark()
                _ = await mayEnd.park()
            }
            #expect(try await client.connect())
            try await bench.until("a connection") { !server.side.accepted.isEmpty }
            server.send(GoldenFrame.shutdown.bytes, GoldenFrame.echo.bytes)
            _ = await began.park()
            #expect(await client.state.rawValue == 38)
            // The link's end in between changes nothing.
            server.breakLinks()
            try await bench.until("closed") { !server.side.closed.isEmpty }
            mayEnd.unpark()
            #expect(try await watched.states(to: 10) == [22, 38, 10])
            #expect(try await watched.events(2) == [.connect(id: "me"), .serverShutdown])
            #expect(server.side.accepted.count == 1)
        }
    }

    @Test("callbacks of a server's shutdown that take too long are not waited for", arguments: BackendKind.testable)
    func slowCallback(_ backend: BackendKind) async throws {
        try await withRawServer(backend, configure: { $0.callbackTimeout = .milliseconds(20) }) {
            bench,
            server,
            watched in
            let mayEnd = Parker<Void>()
            try await watched.client.subscribe("servershutdown") { _ = await mayEnd.park() }
            #expect(try await watched.client.connect())
            try await bench.until("a connection") { !server.side.accepted.isEmpty }
            server.send(GoldenFrame.shutdown.bytes)
            #expect(try await watched.states(to: 10) == [22, 38, 10])
            try await bench.until("the client's end") { server.side.ended == [server.newest] }
            mayEnd.unpark()
        }
    }

    @Test("a client may be disconnected by the callback of the shutdown", arguments: BackendKind.testable)
    func disconnectInCallback(_ backend: BackendKind) async throws {
        try await withRawServer(backend, configure: { $0.closeGrace = .milliseconds(20) }) { bench, server, watched in
            let client = watched.client
            let answer = Parker<Bool>()
            try await client.subscribe("servershutdown") { [weak client] in
                answer.unpark(try await client?.disconnect() ?? false)
            }
            #expect(try await client.connect())
            try await bench.until("a connection") { !server.side.accepted.isEmpty }
            server.send(GoldenFrame.shutdown.bytes)
            #expect(await answer.park() == .value(true))
            #expect(try await watched.states(to: 10) == [22, 38, 518, 10])
        }
    }

    @Test("a body that is no JSON is skipped, a broken header breaks the link", arguments: BackendKind.testable)
    func broken(_ backend: BackendKind) async throws {
        try await withRawServer(backend) { bench, server, watched in
            #expect(try await watched.client.connect())
            try await bench.until("a connection") { !server.side.accepted.isEmpty }
            try server.send("bad", "{nope}")
            try server.send("good", "[1, 2]")
            server.send(Array(repeating: 7, count: 64))
            try await bench.until("another connection") { server.side.accepted.count == 2 }
            try server.send("after", "{}")
            #expect(
                try await watched.events(4) == [
                    .connect(id: "me"), .message(Message(received: "good", .json("[1, 2]"))), .reconnect(id: "me"),
                    .message(try Message(subject: "after")),
                ]
            )
            #expect(try await watched.states(to: 150) == [22, 38, 150])
        }
    }

    @Test("a body that is too long breaks the link", arguments: BackendKind.testable)
    func tooLong(_ backend: BackendKind) async throws {
        try await withRawServer(backend, attemptReconnect: false, configure: { $0.maxBodyBytes = 10 }) {
            bench,
            server,
            watched in
            #expect(try await watched.client.connect())
            try await bench.until("a connection") { !server.side.accepted.isEmpty }
            try server.send("fits", #"{"a": 123}"#)
            try server.send("not", #"{"a": 1234}"#)
            #expect(try await watched.states(to: 2056) == [22, 38, 2056])
            #expect(try await watched.events(2).last?.verb == .message)
        }
    }

    @Test("messages given while reconnecting are sent behind the negotiation", arguments: BackendKind.testable)
    func queued(_ backend: BackendKind) async throws {
        try await withRawServer(backend, configure: { $0.maxQueuedMessages = 3 }) { bench, server, watched in
            let client = watched.client
            #expect(try await !client.send(try Message(subject: "early")))
            try await server.kill(bench)
            #expect(try await client.connect())
            for number in 1...3 { #expect(try await client.send(try Message(subject: "m\(number)"))) }
            let full = await #expect(throws: MissionCommanderError.self) {
                try await client.send(try Message(subject: "m4"))
            }
            #expect(full?.code == .queueFull)
            try server.restart()
            let wanted = [#"negotiation {"id": "me", "resume": ""}"#, "m1 {}", "m2 {}", "m3 {}"]
            try await bench.until("all frames") { server.frames == wanted }
            #expect(try await client.send(try Message(subject: "m5", payload: .json(#"{"ü": 1}"#))))
            try await bench.until("one more") { server.frames == wanted + [#"m5 {"\u00fc": 1}"#] }
        }
    }

    @Test(
        "a subject that can't be sent is refused",
        arguments: ["shutdown", "negotiation", String(repeating: "ö", count: 40)]
    )
    func badSubject(_ subject: String) async throws {
        try await withRawServer(.epoll) { _, _, watched in
            #expect(try await watched.client.connect())
            let message = try Message(subject: subject)
            let error = await #expect(throws: MissionCommanderError.self) { try await watched.client.send(message) }
            #expect(error?.code == .invalidSubject)
        }
    }

    @Test("a slow server makes send wait, and nothing is lost", arguments: BackendKind.testable)
    func slowServer(_ backend: BackendKind) async throws {
        try await withRawServer(backend, configure: { $0.maxQueuedBytes = 100_000 }) { bench, server, watched in
            server.side.onAccept = { _ in }
            server.side.keepsBytes = false
            let client = watched.client
            #expect(try await client.connect())
            let message = try Message(
                subject: "big",
                payload: .json(#"{"x": "\#(String(repeating: "x", count: 60_000))"}"#)
            )
            let size = try FrameEncoder.frame(subject: "big", payload: message.payload).count
            let introduction = ClientFrames.negotiation(of: "me", resume: "").count
            // Far more than the kernel's buffers of both ends and the bound take.
            let sending = Task {
                var taken = 0
                while taken < 300, try await client.send(message) { taken += 1 }
                return taken
            }
            try await bench.until("a connection") { !server.side.accepted.isEmpty }
            server.loop.startReceiving(server.newest)
            #expect(try await sending.value == 300)
            try await bench.until("all bytes") { server.side.byteCount == introduction + 300 * size }
        }
    }

    @Test("a send that waits can be cancelled", arguments: BackendKind.testable)
    func cancelledSend(_ backend: BackendKind) async throws {
        try await withRawServer(backend, configure: { $0.maxQueuedBytes = 100_000 }) { _, server, watched in
            server.side.onAccept = { _ in }
            let client = watched.client
            #expect(try await client.connect())
            let message = try Message(
                subject: "big",
                payload: .json(#"{"x": "\#(String(repeating: "x", count: 60_000))"}"#)
            )
            let sending = Task { while try await client.send(message) {} }
            sending.cancel()
            let error = await #expect(throws: MissionCommanderError.self) { try await sending.value }
            #expect(error?.code == .notConnected)
            // And one that waits when the link goes is told.
            let late = Task { while try await client.send(message) {} }
            await client.setAttemptReconnect(false)
            server.breakLinks()
            try await late.value
        }
    }

    @Test("what was queued is sent before the goodbye", arguments: BackendKind.testable)
    func flushed(_ backend: BackendKind) async throws {
        try await withRawServer(backend, configure: { $0.closeGrace = .milliseconds(20) }) { bench, server, watched in
            let client = watched.client
            #expect(try await client.connect())
            let text = String(repeating: "x", count: 1_000)
            let message = try Message(subject: "big", payload: .json(#"{"x": "\#(text)"}"#))
            for _ in 0..<500 { #expect(try await client.send(message)) }
            #expect(try await client.disconnect())
            try await bench.until("all frames") { server.frames.last == "shutdown {}" }
            #expect(server.frames.count == 502)
        }
    }

    @Test("a client whose reader falls behind stops reading, and loses nothing", arguments: BackendKind.testable)
    func slowReader(_ backend: BackendKind) async throws {
        try await withRawServer(backend, configure: { $0.maxWaitingMessages = 8 }) { bench, server, watched in
            let client = watched.client
            // Not `events`: those of the watching test would fill it up.
            let messages = client.messages
            #expect(try await client.connect())
            try await bench.until("a connection") { !server.side.accepted.isEmpty }
            let body = #"{"x": "\#(String(repeating: "x", count: 200_000))"}"#
            let frame = try FrameEncoder.frame(subject: "m", payload: .json(body))
            // As long as the client reads, everything goes; the kernel's buffers hold the rest until they are full.
            var sent = 0
            var isFull = false
            server.side.onWritable = { _ in isFull = false }
            while sent < 2_000, !isFull {
                switch server.loop.send(SendBatch(copying: frame), on: server.newest) {
                case .queued: sent += 1
                case .busy:
                    isFull = true
                    await bench.pass(.milliseconds(20))
                case .closed: Issue.record("closed")
                }
            }
            #expect(isFull, "\(sent) messages went somewhere")
            var count = 0
            for try await case .element(let message) in messages {
                #expect(message.subject == "m")
                count += 1
                if count == sent { break }
            }
            #expect(count == sent)
            #expect(await client.state.rawValue == 38)
        }
    }

    @Test("what had arrived when the link broke is delivered before the break", arguments: BackendKind.testable)
    func brokenWhileHeld(_ backend: BackendKind) async throws {
        try await withRawServer(backend, configure: { $0.maxWaitingMessages = 2 }) { bench, server, watched in
            let events = watched.client.events
            #expect(try await watched.client.connect())
            try await bench.until("a connection") { !server.side.accepted.isEmpty }
            let frames = try (0..<50).flatMap { try FrameEncoder.frame(subject: "m\($0)", payload: .json("{}")) }
            server.send(frames)
            #expect(try await watched.states(to: 38) == [22, 38])
            server.loop.finish(server.newest)
            var seen: [String] = []
            for try await case .element(let event) in events {
                if case .message(let message) = event { seen.append(message.subject) }
                if case .reconnect = event { break }
            }
            #expect(seen == (0..<50).map { "m\($0)" })
        }
    }

    @Test(
        "callbacks run one after the other, in order, and one that throws stops nothing",
        arguments: BackendKind.testable
    )
    func callbacks(_ backend: BackendKind) async throws {
        struct Nope: Error {}
        try await withRawServer(backend) { bench, server, watched in
            let client = watched.client
            let heard = Queue<String>(.init(limit: 1_000))
            try await client.subscribe("onConnect") { heard.send("connect") }
            try await client.subscribe("connect") { (id: String) in heard.send("connect \(id)") }
            try await client.subscribe("message") { (message: BelfryMissionCommander.Message) in
                heard.send("first \(message.subject)")
                if message.subject == "a" { throw Nope() }
            }
            try await client.subscribe("on_message") { (event: ClientEvent) in heard.send("second \(event.verb)") }
            try await client.subscribe("stateChange") { (change: ClientStateTransition) in
                heard.send("\(change.from.rawValue) \(change.to.rawValue)")
            }
            #expect(try await client.connect())
            try await bench.until("a connection") { !server.side.accepted.isEmpty }
            server.send(
                try FrameEncoder.frame(subject: "a", payload: .json("{}")),
                try FrameEncoder.frame(subject: "b", payload: .json("{}"))
            )
            var seen: [String] = []
            for try await case .element(let word) in heard {
                seen.append(word)
                if seen.count == 8 { break }
            }
            #expect(
                seen == [
                    "8 22", "22 38", "connect", "connect me", "first a", "second message", "first b", "second message",
                ]
            )
        }
    }

    @Test("a callback for nothing, or of the wrong kind, is refused")
    func badCallbacks() async throws {
        let client = try Client(io: .epoll, logger: .quiet)
        let unknown = await #expect(throws: MissionCommanderError.self) { try await client.subscribe("onFoo") {} }
        #expect(unknown?.code == .unknownVerb && unknown?.message == "Unknown verb onFoo")
        let wrong = await #expect(throws: MissionCommanderError.self) {
            try await client.subscribe("connect") { (_: BelfryMissionCommander.Message) in }
        }
        #expect(wrong?.code == .invalidValue && wrong?.message.hasPrefix("Callback not a function") == true)
        await client.shutDown()
    }

    @Test("a client that nobody holds closes its link and ends its sequences", arguments: BackendKind.testable)
    func abandoned(_ backend: BackendKind) async throws {
        try await withLoop(backend) { bench in
            // A name that has to be looked up.
            let server = try RawServer(bench, on: .loopback(port: 0))
            var client: Client? = try Client(io: backend.choice, logger: .quiet)
            let messages = try #require(client).messages
            try await client?.setAddress("localhost")
            try await client?.setPort(server.port)
            try await client?.setClientID("me")
            #expect(try await client?.connect() == true)
            client = nil
            var iterator = messages.makeAsyncIterator()
            #expect(try await iterator.next() == nil)
            try await bench.until("the end") { server.side.ended.count + server.side.failed.count == 1 }
        }
    }
}
