// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryMissionCommander
import BelfryNucosMQ
import BelfryPocketsocket
import BelfryTesting
import Logging
import Testing

@Suite("Pocketsocket's channels are the broker's rooms", .timeLimit(.minutes(3)))
struct RoomTests {
    @Test("one message reaches Pocketsocket, nucosMQ and MissionCommander clients", arguments: LoopSetup.all)
    func three(_ setup: LoopSetup) async throws {
        try await withPocketsocket(setup, broker: { $0.history.messages = 10 }) { running in
            let nucos = NucosServer(broker: running.broker, configuration: .init(address: .loopback(port: 0)))
            var configuration = BelfryMissionCommander.Server.Configuration()
            configuration.publishesClientMessages = true
            let missions = Server(
                broker: running.broker,
                interface: "127.0.0.1",
                port: 0,
                configuration: configuration
            )
            let nucosPort = try #require(try await nucos.start().port)
            let missionsPort = try #require(try await missions.start()?.port)
            let room = try await running.broker.room("missioncommander")
            let group = try EventLoopGroup(setup.backend.choice, count: 1, logger: Logger(label: "belfry.test"))

            let pocket = try await running.connect()
            let python = try NucosClient(host: "127.0.0.1", port: nucosPort, group: group)
            var atPython = python.room("missioncommander").messages.makeAsyncIterator()
            try await python.start()
            _ = await python.subscribe("missioncommander")
            let commander = try Client(group: group)
            try await commander.set(.address, to: "127.0.0.1")
            try await commander.set(.port, to: .integer(Int(missionsPort)))
            var atCommander = commander.messages.makeAsyncIterator()
            try await commander.set(.clientID, to: "c")
            _ = try await commander.connect()
            try await eventually("both are in") { await room.memberCount == 2 }

            try await pocket.send(#"{"id":"0.1","message":"missioncommander.go","data":{"to": "sea"}}"#)
            #expect(try await pocket.receipt() == #""0.1" json"#)
            guard case .element(let heard)? = try await atPython.next(),
                case .element(let told)? = try await atCommander.next()
            else {
                Issue.record("a sequence ended")
                return
            }
            #expect(heard.event == "go" && heard.content == .json(#"{"to": "sea"}"#))
            #expect(told.subject == "go" && told.payload == .json(#"{"to": "sea"}"#))
            #expect(await room.history().map(\.event) == ["go"])

            _ = await python.publish(room: "missioncommander", event: "hello", content: .json(#"["nucos"]"#))
            #expect(try await pocket.message() == #""missioncommander.hello","data":["nucos"]}"#)
            _ = try await commander.send(.init(subject: "hello", payload: .json(#"{"from":1}"#)))
            #expect(try await pocket.message() == #""missioncommander.hello","data":{"from":1}}"#)
            try await missions.send(to: .all, .init(subject: "all", payload: .json("{}")))
            #expect(try await pocket.message() == #""missioncommander.all","data":{}}"#)
            try await room.publish(event: "", .text("é"))
            #expect(try await pocket.message() == #""missioncommander.","data":"\u00e9"}"#)
            await python.close()
            await commander.shutDown()
            group.loops.forEach { $0.stop() }
        }
    }

    @Test("clients hear rooms that come later, and those alone that are listed", arguments: LoopSetup.all)
    func listed(_ setup: LoopSetup) async throws {
        try await withPocketsocket(setup, configure: { $0.rooms = .listed(["a", "b"]) }) { running in
            let client = try await running.connect()
            let rooms = [try await running.broker.room("x"), try await running.broker.room("b")]
            // Other rooms are at home on other loops: what was published there has to come first.
            try await rooms[0].publish(event: "e", .json("1"))
            try await rooms[1].publish(event: "e", .json("2"))
            #expect(try await client.message() == #""b.e","data":2}"#)
            try await client.send(#"{"message":"x.e","data":3}"#)
            try await client.send(#"{"message":"b.e","data":4}"#)
            _ = try await (client.receipt(), client.receipt())
            try await rooms[1].publish(event: "last", .json("5"))
            #expect(try await client.message() == #""b.last","data":5}"#)
        }
    }

    @Test("without clients nobody listens to rooms")
    func untapped() async throws {
        try await withPocketsocket { running in
            let room = try await running.broker.room("a")
            for _ in 0..<2 {
                let client = try await running.connect()
                try await room.publish(event: "e", .json("1"))
                #expect(try await client.message() == #""a.e","data":1}"#)
                await client.socket.close()
                try await eventually("it has gone") { running.server.clientCount == 0 }
                try await room.publish(event: "e", .json("2"))
            }
        }
    }

    @Test("the process speaks and listens", arguments: LoopSetup.all)
    func process(_ setup: LoopSetup) async throws {
        try await withPocketsocket(setup, broker: { $0.history.messages = 10 }) { running in
            let client = try await running.connect()
            var heard = running.server.messages().makeAsyncIterator()
            let room = try await running.broker.room("chat")
            var inRoom = room.messages(from: .oldest).makeAsyncIterator()
            try await client.send(#"{"message":"chat.said.more","data":["hi"]}"#)
            _ = try await client.receipt()
            guard case .element(let message)? = try await heard.next() else { throw SocketReader.Unexpected(text: nil) }
            #expect(message.channel == "chat" && message.event == "said" && message.data == .json(#"["hi"]"#))
            #expect(running.server.signal("chat", "answer", .text("yes")))
            #expect(try await client.message() == #""chat.answer","data":"yes"}"#)
            running.server.sendToAll("as it is")
            #expect(try await client.text() == "as it is")
            #expect(running.server.sendToAll("a.b", .json("1"), about: message))
            let object = try #require(try await client.text())
            #expect(object.hasPrefix(#"{"address": "127.0.0.1", "port": "#) && object.hasSuffix(#", "a": {"b": 1}}"#))
            #expect(!running.server.signal("chat", "e", .json("{")))
            #expect(try await inRoom.next()?.message?.event == "said")
            #expect(try await inRoom.next()?.message?.event == "answer")
        }
    }
}

extension SocketReader {
    /// The next text, which has to be a message, from the value of `message` on.
    func message() async throws -> String {
        let text = try await text()
        guard let text, let match = text.firstMatch(of: /^\{"id":"0\.[0-9a-v]+","message":/) else {
            throw Unexpected(text: text)
        }
        return String(text[match.range.upperBound...])
    }
}
