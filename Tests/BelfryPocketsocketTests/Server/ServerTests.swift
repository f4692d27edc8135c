// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryPocketsocket
import BelfryTesting
import Testing

@Suite("A Pocketsocket server", .timeLimit(.minutes(3)))
struct ServerTests {
    @Test("what one says all others get as it was said, and the sender a receipt", arguments: LoopSetup.all)
    func verbatim(_ setup: LoopSetup) async throws {
        try await withPocketsocket(setup) { running in
            let clients = try await running.connect(3)
            for (text, receipt) in Self.captured {
                try await clients[0].send(text)
                #expect(try await clients[0].receipt() == receipt)
                #expect(try await clients[1].text() == text)
                #expect(try await clients[2].text() == text)
            }
        }
    }

    /// Texts of the wire's examples and the receipts for them: `messageId`, then `attr`.
    private static let captured: [(String, String)] = [
        (#"{"id":"0.lchkqdo","message":"Art can be very abstract.","data":{}}"#, #""0.lchkqdo" json"#),
        (#"{"id":"0.12l60m","message":"socket.message","data":"milk"}"#, #""0.12l60m" json"#),
        (#"{"message":"chan.evt"}"#, "null json"),
        (#"{"id":"é☃"}"#, #""\u00e9\u2603" json"#),
        (#"{"id":12345678901234567890}"#, "12345678901234567890 json"),
        (#"{"id":{"a":1,"b":1}}"#, #"{"a":1,"b":1} json"#),
        (#"{"id":1,"id":2}"#, "2 json"),
        ("  {\"id\": \"w\" }\n", #""w" json"#),
        ("[1,2]", "5 string"),
        ("hello there", "11 string"),
        (#"{"id":"frag","#, "13 string"),
        ("", "0 string"),
        (#"{"id":"socket","message":["not a text"]}"#, #""socket" json"#),
        (String(repeating: "x", count: 70_017), "70017 string"),
    ]

    @Test("binary messages come out as texts, unless they can't", arguments: LoopSetup.all)
    func binary(_ setup: LoopSetup) async throws {
        try await withPocketsocket(setup) { running in
            let clients = try await running.connect(2)
            try await clients[0].socket.send(Array(#"{"id":"bin"}"#.utf8))
            #expect(try await clients[0].receipt() == #""bin" json"#)
            #expect(try await clients[1].text() == #"{"id":"bin"}"#)
            try await clients[0].socket.send([0xFF, 0xFE])
            #expect(try await clients[0].receipt() == "2 string")
            #expect(try await clients[1].next() == .binary([0xFF, 0xFE]))
        }
    }

    @Test("with echo the sender gets it too, behind the receipt", arguments: LoopSetup.all)
    func echo(_ setup: LoopSetup) async throws {
        try await withPocketsocket(setup, configure: { $0.echo = true }) { running in
            let clients = try await running.connect(2)
            for number in 0..<100 { try await clients[0].send(#"{"id":\#(number)}"#) }
            var receipts = 0
            var echoes = 0
            while echoes < 100 {
                let text = try #require(try await clients[0].text())
                if text == #"{"id":\#(echoes)}"# {
                    echoes += 1
                    #expect(receipts >= echoes)
                } else {
                    #expect(text.contains(#""messageId": \#(receipts), "#))
                    receipts += 1
                }
            }
            for number in 0..<100 { #expect(try await clients[1].text() == #"{"id":\#(number)}"#) }
        }
    }

    @Test("all hear who else comes and goes", arguments: LoopSetup.all)
    func presence(_ setup: LoopSetup) async throws {
        let trace = TraceList()
        try await withPocketsocket(setup, configure: { $0.trace = { trace.add($0) } }) { running in
            let first = try await running.connect()
            let second = try await running.connect()
            let connected = try #require(try await first.text())
            #expect(connected.hasPrefix(#"{"socket": "connected", "port": "#))
            #expect(connected.hasSuffix(#", "address": "127.0.0.1"}"#))
            await second.socket.close()
            let gone = try #require(try await first.text())
            #expect(gone == connected.replacing("connected", with: "disconnected"))
            #expect(running.server.clientCount == 1)
            try await eventually("both are traced") { trace.all.filter { $0.hasPrefix("disconnected") }.count == 1 }
            #expect(trace.all.filter { $0.hasPrefix("connected ('127.0.0.1', ") }.count == 2)
            #expect(trace.all.contains("Send: \(gone)"))
        }
    }

    @Test("each hears the others' messages in one order, and each sender's in its own", arguments: LoopSetup.all)
    func order(_ setup: LoopSetup) async throws {
        try await withPocketsocket(setup) { running in
            let clients = try await running.connect(5)
            let count = 100
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, client) in clients.dropLast().enumerated() {
                    group.addTask {
                        for message in 0..<count { try await client.send("\(number) \(message)") }
                    }
                }
                try await group.waitForAll()
            }
            var all: [String] = []
            while all.count < 4 * count, let text = try await clients[4].text() { all.append(text) }
            for (number, client) in clients.dropLast().enumerated() {
                var heard: [String] = []
                var receipts = 0
                while heard.count < 3 * count || receipts < count, let text = try await client.text() {
                    if text.hasPrefix("{") { receipts += 1 } else { heard.append(text) }
                }
                #expect(heard == all.filter { !$0.hasPrefix("\(number) ") })
                #expect(all.filter { $0.hasPrefix("\(number) ") } == (0..<count).map { "\(number) \($0)" })
            }
        }
    }

    @Test("who sends at once with the handshake is heard, and by who connected before", arguments: LoopSetup.all)
    func atOnce(_ setup: LoopSetup) async throws {
        try await withPocketsocket(setup) { running in
            let listener = try await running.connect()
            for round in 0..<20 {
                let client = try await running.connect()
                try await client.send("at once \(round)")
                try await listener.skip("connected")
                #expect(try await listener.text() == "at once \(round)")
                // And who has just come hears what those who know of it say.
                try await listener.send("welcome \(round)")
                _ = try await listener.receipt()
                _ = try await client.receipt()
                #expect(try await client.text() == "welcome \(round)")
                await client.socket.close()
                try await listener.skip("disconnected")
            }
        }
    }

    @Test("compressed and plain clients hear each other, byte for byte", arguments: LoopSetup.all)
    func compressed(_ setup: LoopSetup) async throws {
        try await withPocketsocket(setup, configure: { $0.webSocket.deflate = WebSocketDeflate() }) { running in
            let plain = try await running.connect()
            var configuration = WebSocketClient.Configuration()
            configuration.deflate = WebSocketDeflate()
            let socket = try await WebSocketClient.open(
                running.url,
                on: running.broker.loop,
                configuration: configuration
            )
            let small = SocketReader(socket)
            try await plain.skip("connected")
            let long = #"{"id":  "w", "data":"\#(String(repeating: "é ", count: 2_000))"}"#
            for (sender, receiver) in [(plain, small), (small, plain)] {
                try await sender.send(long)
                #expect(try await sender.receipt() == #""w" json"#)
                #expect(try await receiver.text() == long)
            }
        }
    }

    @Test("objects with a member `socket` may be refused")
    func coreEvents() async throws {
        try await withPocketsocket(configure: { $0.forwardsCoreEvents = false }) { running in
            let clients = try await running.connect(2)
            try await clients[0].send(#"{"socket":"disconnected","port":1,"address":"x"}"#)
            try await clients[0].send(#"{"id":"after"}"#)
            #expect(try await clients[0].receipt() == #""after" json"#)
            #expect(try await clients[1].text() == #"{"id":"after"}"#)
        }
    }

    @Test("who does not read is dropped, and holds up nobody", arguments: LoopSetup.all.filter { $0.loops != 4 })
    func slow(_ setup: LoopSetup) async throws {
        try await withPocketsocket(setup, configure: { $0.lag.bytes = 1 << 20 }) { running in
            let slow = try await TestClient(to: running.address)
            try await slow.send(
                Array(
                    """
                    GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n
                    """.utf8
                )
            )
            try await eventually("it is there") { running.server.clientCount == 1 }
            await slow.setReading(false)
            let clients = try await running.connect(2)
            let filler = String(repeating: "x", count: 256 * 1024)
            var sent = 0
            while running.server.clientCount == 3, sent < 400 {
                try await clients[0].send("\(sent)\(filler)")
                _ = try await clients[0].text()
                #expect(try await clients[1].text() == "\(sent)\(filler)" || running.server.clientCount == 2)
                sent += 1
            }
            #expect(running.server.clientCount == 2)
            await slow.close()
        }
    }

    /// Lines of a server's trace.
    private final class TraceList: Sendable {
        private let lines = Lock<[String]>([])

        var all: [String] { lines.withLock { $0 } }
        func add(_ trace: PocketsocketTrace) { lines.withLock { $0.append(trace.description) } }
    }
}
