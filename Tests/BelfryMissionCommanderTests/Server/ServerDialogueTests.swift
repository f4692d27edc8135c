// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryMissionCommander
import BelfryTesting
import Testing

@Suite("MissionCommander server, the dialogue", .timeLimit(.minutes(3)))
struct ServerDialogueTests {
    @Test("the captured conversation, byte for byte", arguments: LoopSetup.all)
    func golden(_ setup: LoopSetup) async throws {
        try await withServer(setup, configure: { $0.stopTimeout = .seconds(3) }) { server, _ in
            let peer = try await RawPeer(to: server.address)
            try await peer.send(GoldenFrame.negotiation.bytes)
            try await eventually("the client is in") { await server.knownIDs["Id0123456789abcd"] == true }
            for golden in [GoldenFrame.echo, .unicode, .longest] {
                let message = try Message(subject: golden.subject, payload: .json(golden.payload))
                #expect(try await server.send(to: "Id0123456789abcd", message))
                #expect(await peer.bytes(golden.bytes.count) == golden.bytes)
            }
            async let stopped: Void = server.stop()
            #expect(await peer.bytes(66) == GoldenFrame.shutdown.bytes)
            // The server reads on until the client closes.
            try await peer.send(frameBytes("more", "{}"))
            #expect(await !peer.hasEnded)
            await peer.finish()
            #expect(await peer.bytes(1) == [])
            try await stopped
        }
    }

    @Test("what is sent to one and to all comes in the order in which it was sent", arguments: LoopSetup.all)
    func order(_ setup: LoopSetup) async throws {
        try await withServer(setup) { server, _ in
            var peers: [RawPeer] = []
            for index in 0..<4 { peers.append(try await server.join("c\(index)")) }
            for number in 0..<300 {
                try await server.send(number, to: .all)
                for index in 0..<4 { try await server.send(number, to: .id("c\(index)"), as: "one") }
            }
            let expected = (0..<300).flatMap { [SeenFrame.number($0), .number($0, as: "one")] }
            for peer in peers {
                let seen = await peer.frames(600)
                #expect(seen.count == 600)
                #expect(zip(seen, expected).first { $0 != $1 } == nil)
            }
        }
    }

    @Test("a negotiation in single bytes, and one with messages behind it in one segment", arguments: LoopSetup.all)
    func segments(_ setup: LoopSetup) async throws {
        try await withServer(setup, configure: { $0.negotiationTimeout = .seconds(60) }) { server, _ in
            let messages = server.messages.makeAsyncIterator()
            var iterator = messages
            let slow = try await RawPeer(to: server.address)
            try await slow.sendSlowly(GoldenFrame.negotiation.bytes + frameBytes("a", "1"))
            let first = try await iterator.next()
            let fast = try await RawPeer(to: server.address)
            try await fast.send(
                frameBytes("negotiation", #"{"id": "x"}"#) + frameBytes("b", "[2]") + frameBytes("c", "{}")
            )
            let second = try await iterator.next()
            let third = try await iterator.next()
            let seen = [first, second, third].map { delivery -> String in
                guard case .element(let message)? = delivery else { return "-" }
                return "\(message.id) \(message.message.subject) \(message.message.payload.text)"
            }
            #expect(seen == ["Id0123456789abcd a 1", "x b [2]", "x c {}"])
        }
    }

    @Test(
        "a connection that breaks the rules is closed, and nobody else notices",
        arguments: BackendKind.testable,
        [
            ("a header that is no JSON", header("hello")),
            ("a header that is not UTF-8", header([0x7B, 0xFF])),
            ("a header without NULs that is no JSON", Array(repeating: 0x41, count: 64)),
            ("a negative length", header(#"{"length": -1, "subject": "negotiation"}"#)),
            ("a huge length", header(#"{"length": 99999999999999999999, "subject": "negotiation"}"#)),
            ("a length above the bound", header(#"{"length": 65537, "subject": "negotiation"}"#)),
            ("a length that is no number", header(#"{"length": "26", "subject": "negotiation"}"#)),
            ("a length that lies", header(#"{"length": 3, "subject": "negotiation"}"#) + Array(#"{"id": "x"}"#.utf8)),
            ("no subject", header(#"{"length": 2}"#) + Array("{}".utf8)),
            ("another first message", frameBytes("hello", #"{"id": "x"}"#)),
            ("a body that is no object", frameBytes("negotiation", #"["id"]"#)),
            ("a body that is no JSON", frameBytes("negotiation", #"{"id": "#)),
            ("no id", frameBytes("negotiation", "{}")),
            ("an empty id", frameBytes("negotiation", #"{"id": ""}"#)),
            ("an id that is null", frameBytes("negotiation", #"{"id": null}"#)),
            ("an id that is false", frameBytes("negotiation", #"{"id": false}"#)),
            ("an id that is zero", frameBytes("negotiation", #"{"id": 0}"#)),
            ("an id that is a fraction", frameBytes("negotiation", #"{"id": 1.5}"#)),
            ("an id that is a list", frameBytes("negotiation", #"{"id": ["x"]}"#)),
            ("a very long id", frameBytes("negotiation", #"{"id": "\#(String(repeating: "x", count: 256))"}"#)),
        ]
    )
    func refused(_ backend: BackendKind, _ input: (what: String, bytes: [UInt8])) async throws {
        try await withServer(LoopSetup(backend, loops: 1)) { server, _ in
            let good = try await server.join("good")
            let bad = try await RawPeer(to: server.address)
            try await bad.send(input.bytes)
            #expect(await bad.ends(), "\(input.what)")
            #expect(await server.knownIDs == ["good": true])
            try await server.send(1, to: .all)
            #expect(await good.frame() == .number(1))
        }
    }

    @Test("a header that can't be read ends a client's connection later on, and the client may come back")
    func laterFault() async throws {
        try await withServer { server, _ in
            let first = try await server.join("x")
            try await first.send(frameBytes("fine", "{}") + header("nonsense"))
            #expect(await first.ends())
            try await server.untilAway("x")
            try await server.send(1, to: "x")
            let second = try await server.join("x")
            #expect(await second.frame() == .number(1))
        }
    }

    @Test("a body that is no JSON is skipped, and the next message is heard")
    func badBody() async throws {
        try await withServer { server, _ in
            var messages = server.messages.makeAsyncIterator()
            let peer = try await server.join("x")
            try await peer.send(
                frameBytes("bad", "{") + frameBytes("negotiation", #"{"id": "y"}"#) + frameBytes("good", "{}")
            )
            guard case .element(let message)? = try await messages.next() else {
                Issue.record("no message")
                return
            }
            #expect(message.message.subject == "good")
            #expect(await server.knownIDs == ["x": true])
        }
    }

    @Test("an id that is a number is known by its decimal text")
    func number() async throws {
        try await withServer { server, _ in
            let peer = try await RawPeer(to: server.address)
            try await peer.send(frameBytes("negotiation", #"{"other": {"id": 1}, "id": 77}"#))
            try await eventually("the client is in") { await server.knownIDs["77"] == true }
            #expect(try await server.send(1, to: "77"))
            #expect(await peer.frame() == .number(1))
        }
    }

    @Test("who does not say who it is holds up nobody", arguments: BackendKind.testable)
    func silent(_ backend: BackendKind) async throws {
        let setup = LoopSetup(backend, loops: 1)
        try await withServer(setup, configure: { $0.negotiationTimeout = .seconds(60) }) { server, _ in
            var silent: [RawPeer] = []
            for _ in 0..<20 { silent.append(try await RawPeer(to: server.address)) }
            // On a slow machine its time may be over already.
            try? await silent[0].send(Array(GoldenFrame.negotiation.bytes.prefix(70)))
            let quick = try await server.join("quick")
            try await server.send(1, to: .all)
            #expect(await quick.frame() == .number(1))
            #expect(await server.knownIDs == ["quick": true])
            for peer in silent { #expect(await !peer.hasEnded) }
        }
    }

    @Test("who does not say in time who it is is closed", arguments: BackendKind.testable)
    func timedOut(_ backend: BackendKind) async throws {
        let setup = LoopSetup(backend, loops: 1)
        try await withServer(setup, configure: { $0.negotiationTimeout = .milliseconds(1) }) { server, _ in
            let silent = try await RawPeer(to: server.address)
            #expect(await silent.ends())
            #expect(await server.knownIDs.isEmpty)
        }
    }

    @Test("to an id that was never seen nothing is sent")
    func unknown() async throws {
        try await withServer { server, _ in
            let wasKnown = try await server.send(1, to: "nobody")
            #expect(!wasKnown)
            let wereTold = try await server.send(1, to: .all)
            #expect(wereTold)
        }
    }

    @Test("a subject that does not fit, or is the server's own, is refused at the sender")
    func subjects() async throws {
        try await withServer { server, _ in
            let peer = try await server.join("x")
            for subject in [String(repeating: "s", count: 40), "shutdown"] {
                for recipient in [Server.Recipient.all, "x"] {
                    let error = await #expect(throws: MissionCommanderError.self) {
                        try await server.send(1, to: recipient, as: subject)
                    }
                    #expect(error?.code == .invalidSubject)
                }
            }
            try await server.send(2, to: .all, as: String(repeating: "s", count: 39))
            #expect(await peer.frame() == .number(2, as: String(repeating: "s", count: 39)))
        }
    }

    @Test("what clients send reaches all clients where the server says so", arguments: LoopSetup.all)
    func published(_ setup: LoopSetup) async throws {
        try await withServer(setup, configure: { $0.publishesClientMessages = true }) { server, _ in
            let listener = try await server.join("listener")
            let speaker = try await server.join("speaker")
            let odd = header(#"{"subject":"compact","length":9}"#, filledWith: 0x20) + Array("\"Grüße\"".utf8)
            try await speaker.send(odd + frameBytes("gap", "null"))
            let expected = [
                SeenFrame.frame(subject: "compact", value: #""Gr\u00fc\u00dfe""#),
                .frame(subject: "gap", value: "null"),
            ]
            #expect(await listener.frames(2) == expected)
            #expect(await speaker.frames(2) == expected)
        }
    }

    @Test("a client that says its message and closes at once is heard, and is away then", arguments: LoopSetup.all)
    func oneShot(_ setup: LoopSetup) async throws {
        try await withServer(setup, configure: { $0.publishesClientMessages = true }) { server, _ in
            let listener = try await server.join("listener")
            for number in 0..<20 {
                let speaker = try await RawPeer(to: server.address)
                try await speaker.send(
                    frameBytes("negotiation", #"{"id": "s\#(number)"}"#) + frameBytes("n", #"{"n": \#(number)}"#)
                )
                await speaker.finish()
                #expect(await listener.frame() == .number(number))
            }
            try await eventually("all are away") { await server.statistics.away == 20 }
        }
    }

    @Test(
        "accepted connections have keep-alive probes, as the protocol has no heartbeat",
        arguments: BackendKind.testable
    )
    func keepAlive(_ backend: BackendKind) async throws {
        try await withServer(LoopSetup(backend, loops: 1)) { server, _ in
            let peer = try await server.join("x")
            let port = await server.address?.port ?? 0
            let hex = String(port, radix: 16, uppercase: true)
            // Of an established connection (01) of our port the timer (tr) is a keep-alive timer (02).
            let line = try ProcFile.lines("/proc/net/tcp").map { $0.split(separator: " ") }.first { fields in
                fields.count > 5 && fields[1].hasSuffix(":" + String(repeating: "0", count: 4 - hex.count) + hex)
                    && fields[3] == "01"
            }
            #expect(line?[5].hasPrefix("02:") == true)
            await peer.close()
        }
    }
}
