// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryNucosMQ
import BelfryPocketsocket
import BelfryTesting
import BelfryWatchbox
import Logging
import Testing

@Suite("Watchbox groups are the broker's rooms", .timeLimit(.minutes(3)))
struct RoomTests {
    @Test("Watchbox, nucosMQ and Pocketsocket clients meet in one room", arguments: LoopSetup.all)
    func three(_ setup: LoopSetup) async throws {
        let pocketsocket = Lock<PocketsocketServer?>(nil)
        try await withWatchbox(
            setup,
            routes: { broker, router in
                let server = PocketsocketServer(broker: broker)
                server.addRoutes(to: &router)
                pocketsocket.withLock { $0 = server }
            }
        ) { running in
            let nucos = NucosServer(broker: running.broker, configuration: .init(address: .loopback(port: 0)))
            let port = try #require(try await nucos.start().port)
            let group = try EventLoopGroup(setup.backend.choice, count: 1, logger: Logger(label: "belfry.test"))
            let python = try NucosClient(host: "127.0.0.1", port: port, group: group)
            var atPython = python.room("chat").messages.makeAsyncIterator()
            try await python.start()
            _ = await python.subscribe("chat")
            let room = try await running.broker.room("chat")
            try await eventually("it is in") { await room.memberCount == 1 }
            let url = try WebSocketURL("ws://\(running.address)/any/path")
            let pocket = try await WebSocketClient.open(url, on: running.broker.loop)
            var atPocket = pocket.messages.makeAsyncIterator()
            try await eventually("it is in") { pocketsocket.withLock { $0 }?.clientCount == 1 }

            let page = try await running.page(in: "chat")
            // A path that nobody has goes to Pocketsocket's route, an unknown type stays with Watchbox.
            #expect(try await page.ask("zzz", method: "GET").status == 404)
            #expect(try await running.connect().post("zzz") == "wb41")

            try await page.post("brdcst", "group=chat&text=%7B%22by%22:%22page%22%7D")
            guard case .element(let heard)? = try await atPython.next() else { throw ConditionNotMet("a message") }
            #expect(heard.event == "" && heard.content == .json(#"{"by":"page"}"#))
            guard case .text(let told)? = try await atPocket.next() else { throw ConditionNotMet("a text") }
            #expect(told.hasSuffix(#""message":"chat.","data":{"by":"page"}}"#), "\(told)")

            _ = await python.publish(room: "chat", event: "go", content: .json(#"["sea"]"#))
            #expect(try await page.post("get", "group=chat&wait=50000") == #"{"event":"go","content":["sea"]}"#)
            _ = await python.publish(room: "chat", event: "", content: .json("7"))
            #expect(try await page.post("get", "group=chat&wait=50000") == "7")
            try await pocket.send(#"{"message":"chat.said","data":{"a": 1}}"#)
            #expect(try await page.post("get", "group=chat&wait=50000") == #"{"event":"said","content":{"a": 1}}"#)
            try await room.publish(event: "é", .text("q\"\n"))
            let text = try await page.post("get", "group=chat&wait=50000")
            #expect(text == #"{"event":"\u00e9","content":"q\"\n"}"#)
            try await room.publish(event: "", .binary([1, 2, 3]))
            try await room.publish(event: "", .json("no json"))
            try await room.publish(event: "", .text("last"))
            #expect(try await page.post("get", "group=chat&wait=50000") == #""AQID""#)
            #expect(try await page.post("get", "group=chat&wait=50000") == #""last""#)
            await pocket.close()
            await python.close()
            group.loops.forEach { $0.stop() }
        }
    }

    @Test("a Pocketsocket client reaches a group that nobody else is in", arguments: LoopSetup.all)
    func alone(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup, routes: { PocketsocketServer(broker: $0).addRoutes(to: &$1) }) { running in
            let page = try await running.page(in: "only")
            #expect(running.broker.statistics.rooms == 1)
            let url = try WebSocketURL("ws://\(running.address)/")
            let pocket = try await WebSocketClient.open(url, on: running.broker.loop)
            try await pocket.send(#"{"message":"only.e","data":1}"#)
            #expect(try await page.post("get", "group=only&wait=50000") == #"{"event":"e","content":1}"#)
            await pocket.close()
        }
    }

    @Test("consumers in the process hear a page, and its room keeps what it says", arguments: LoopSetup.all)
    func consumers(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup, broker: { $0.history.messages = 10 }) { running in
            let page = try await running.page()
            try await page.post("brdcst", "group=kept&text=1")
            let room = try await running.broker.room("kept")
            var messages = room.messages(from: .oldest).makeAsyncIterator()
            #expect(try await messages.next()?.message?.payload == .json("1"))
            running.watchbox.publish(.text("two"), to: "kept")
            let second = try await messages.next()?.message
            #expect(second?.payload == .json(#""two""#) && second?.sender == .server && second?.event == "")
        }
    }
}
