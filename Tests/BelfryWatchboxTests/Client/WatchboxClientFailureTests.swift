// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryTesting
@testable import BelfryWatchbox
import Testing

@Suite("Watchbox client, failures", .timeLimit(.minutes(3)))
struct WatchboxClientFailureTests {
    @Test("after the server has forgotten the client it registers and joins again", arguments: [true, false])
    func forgotten(_ holds: Bool) async throws {
        for backend in BackendKind.testable {
            try await withStation(backend, holds: holds) { station, client in
                let events = client.events
                let messages = client.join("a")
                try await eventually("the join") { await station.isMember(of: "a") }
                await station.publish(["1"], to: "a")
                #expect(try await take(1, from: messages) == ["1"])
                await station.forget()
                try await eventually("the second join") { await station.isMember(of: "a") }
                await station.publish(["2"], to: "a")
                #expect(try await take(1, from: messages) == ["2"])
                #expect(
                    try await takeEvents(3, from: events) == [
                        "registered", "disconnected notRegistered", "reconnected",
                    ]
                )
            }
        }
    }

    @Test(
        "after an outage messages that waited at the server come, and the loss was told once",
        arguments: [true, false]
    )
    func outage(_ holds: Bool) async throws {
        for backend in BackendKind.testable {
            try await withStation(backend, holds: holds) { station, client in
                let events = client.events
                let messages = client.join("a")
                try await eventually("the join") { await station.isMember(of: "a") }
                await station.stop()
                #expect(try await takeEvents(1, from: events) == ["registered"])
                let event = try await takeEvents(1, from: events)
                #expect(event.first?.hasPrefix("disconnected connect") == true, "\(event)")
                await station.publish(["1"], to: "a")
                try await station.start()
                #expect(try await take(1, from: messages) == ["1"])
                #expect(try await takeEvents(1, from: events) == ["reconnected"])
                #expect(await station.count("join") == 1)
            }
        }
    }

    @Test("a server that is not there yet is waited for")
    func late() async throws {
        try await withStation(starts: false) { station, client in
            let events = client.events
            let messages = client.join("a")
            try await station.start()
            try await eventually("the join") { await station.isMember(of: "a") }
            await station.publish(["1"], to: "a")
            #expect(try await take(1, from: messages) == ["1"])
            #expect(try await takeEvents(1, from: events) == ["registered"])
        }
    }

    @Test("an answer that is no message is told, and the next one comes", arguments: BackendKind.testable)
    func malformed(_ backend: BackendKind) async throws {
        try await withStation(backend, holds: false) { station, client in
            let events = client.events
            let messages = client.join("a")
            try await eventually("the join") { await station.isMember(of: "a") }
            await station.answer("get", with: "\"", "", "<html>", "wb99", "\u{FEFF}1")
            await station.publish(["1"], to: "a")
            #expect(try await take(1, from: messages) == ["1"])
            #expect(
                try await takeEvents(6, from: events) == ["registered"] + Array(repeating: "lost a badAnswer", count: 5)
            )
        }
    }

    @Test("an error status is a lost connection")
    func status() async throws {
        try await withStation { station, client in
            let events = client.events
            await station.answer("get", with: "500")
            let messages = client.join("a")
            #expect(try await takeEvents(3, from: events) == ["registered", "disconnected badAnswer", "reconnected"])
            try await eventually("the join") { await station.isMember(of: "a") }
            await station.publish(["1"], to: "a")
            #expect(try await take(1, from: messages) == ["1"])
        }
    }

    @Test("registration goes on until it succeeds")
    func registers() async throws {
        try await withStation { station, client in
            // The last one sets no cookie.
            await station.answer("register", with: "wb41", "<html>", "500", "404", "", "wb42")
            try await client.connect()
            #expect(await station.count("register") == 7)
        }
    }

    @Test("a group that the server refuses ends with an error, and the others go on", arguments: ["wb24", "400"])
    func refused(_ answer: String) async throws {
        try await withStation { station, client in
            await station.answer("join", with: answer)
            let refused = client.join("a")
            await #expect(throws: QueueError.self) { try await take(1, from: refused) }
            let messages = client.join("b")
            try await eventually("the join") { await station.isMember(of: "b") }
            await station.publish(["1"], to: "b")
            #expect(try await take(1, from: messages) == ["1"])
            #expect(await client.isRegistered)
        }
    }

    @Test(
        "answers are told apart",
        arguments: [
            ("wb00", "code wb00"), ("wb99", "malformed"), (#""wb00""#, "message"), ("wb0", "malformed"),
            ("wb000", "malformed"),
            ("wbab", "malformed"), ("", "malformed"), ("null", "message"), (" 1 ", "message"), ("[1,]", "malformed"),
        ]
    )
    func kinds(_ body: String, _ kind: String) {
        switch WatchboxClientAnswer(Array(body.utf8)) {
        case .code(let code): #expect(kind == "code \(code.rawValue)")
        case .message: #expect(kind == "message")
        case .malformed: #expect(kind == "malformed")
        }
    }

    @Test(
        "batches are read, and nothing else is taken for one",
        arguments: [
            (#"[{"group":"a","message":1}]"#, "a 1"),
            (#" [{"group":"a","message":1}]"#, nil),
            (#"[ {"message": {"x":[1]} , "group":"b"},{"group":"\u0061","message":"\\"} ] "#, #"b {"x":[1]}, a "\\""#),
            ("[]", nil), ("[1]", nil), ("{}", nil), (#"[{}]"#, nil),
            (#"[{"group":"c","message":1}]"#, nil),
            (#"[{"group":"a"}]"#, nil), (#"[{"message":1}]"#, nil), (#"[{"group":1,"message":1}]"#, nil),
            (#"[{"group":"a","message":1,"x":2}]"#, nil), (#"[{"group":"a","group":"b","message":1}]"#, nil),
            (#"[{"group":"a","message":1}"#, nil), (#"[{"group":"a","message":1}],"#, nil),
        ] as [(String, String?)]
    )
    func batches(_ body: String, _ result: String?) {
        let batch = WatchboxClientAnswer.batch(Array(body.utf8), of: ["a", "b"])
        let text = batch?.map { "\($0.group) \(String(decoding: $0.json, as: UTF8.self))" }.joined(separator: ", ")
        #expect(text == result)
    }

    @Test("URLs that can't be connected to are refused")
    func urls() {
        for text in [
            "", "127.0.0.1:8001", "ftp://127.0.0.1:8001", "https://127.0.0.1/path", "http://127.0.0.1:8001/path",
            "http://:8001",
        ] {
            #expect(throws: WatchboxClientError.self, "\(text)") { try WatchboxClient(text, logger: .silent) }
        }
    }
}
