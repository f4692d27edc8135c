// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryPocketsocket
import BelfryTesting
import Testing

@Suite("PocketsocketClient", .timeLimit(.minutes(3)))
struct PocketsocketClientTests {
    @Test("a message reaches the other clients, and the sender gets a receipt", arguments: BackendKind.testable)
    func signal(_ backend: BackendKind) async throws {
        try await withStations(backend, .init(forwards: true, confirms: true)) { stations in
            let anna = try await makeClient(backend, stations)
            let ben = try await makeClient(backend, stations)
            let said = ben.channel("chat").events("said")
            let all = ben.channel("chat").events
            let core = anna.channel("socket").events("sent")
            try await anna.connect()
            try await ben.connect()
            try await stations[0].waitForClients(2)
            let ids = try await anna.signal("chat", "said", "h\u{E9} \"you\"")
            try await anna.signal("chat", "left")
            try await anna.channel("chat").signal("said", .json("[1, 2]"))
            let receipts = try await anna.signalAndWait("chat", "said", .binary([1, 2]))
            #expect(try await take(3, from: said) { $0.data.text } == [#""h\u00e9 \"you\"""#, "[1, 2]", #""AQI=""#])
            let texts = ["said h\u{E9} \"you\"", "left {}", "said [1, 2]", "said AQI="]
            #expect(try await take(4, from: all) { "\($0.name) \($0.text)" } == texts)
            #expect(await stations[0].rests[1] == #""message":"chat.left","data":{}}"#)
            #expect(ids.map(\.text) == [await stations[0].ids[0]])
            #expect(ids.map(\.server) == anna.servers)
            let sent = try await take(4, from: core) { $0.receipt?.messageID ?? "" }
            #expect(await stations[0].ids == sent)
            #expect(receipts.map(\.messageID) == [sent[3]])
            #expect(receipts.first?.time == "2026-11-21 09:59:23.539484")
            #expect(receipts.first?.attribute == "json")
            for id in sent { #expect(id.wholeMatch(of: /0\.[0-9a-v]+/) != nil, "\(id)") }
            #expect(Set(sent).count == 4)
            await anna.close()
            #expect(try await take(9, from: core) == [])
            await ben.close()
            try await stations[0].waitForClients(0)
        }
    }

    @Test("what a server sends becomes the event that it stands for", arguments: BackendKind.testable)
    func dispatch(_ backend: BackendKind) async throws {
        let table: [(text: String, channel: String, name: String, id: String?, data: String)] = [
            (#"{"id":"0.1","message":"a.b","data":[1]}"#, "a", "b", "0.1", "[1]"),
            (
                #" {"data" : {"x": 1 } ,"message":"a.b.c","id": 12345678901234567890}"#, "a", "b",
                "12345678901234567890", #"{"x": 1 }"#
            ),
            (#"{"message":"a.b"}"#, "a", "b", nil, "{}"),
            (#"{"message":"a.b","data":null,"id":"\u00e9"}"#, "a", "b", "é", "null"),
            (#"{"message":"a.b","data":1,"data":2}"#, "a", "b", nil, "2"),
            (#"{"message":"a"}"#, "a", "", nil, "{}"),
            (#"{"message":"a."}"#, "a", "", nil, "{}"),
            (#"{"message":".b"}"#, "", "b", nil, "{}"),
            (#"{"m\u0065ssage":"a.\u2603"}"#, "a", "☃", nil, "{}"),
            (#"{"message":"socket.any","data":0}"#, "socket", "any", nil, "0"),
            (#"{"message":"socket.open","data":0}"#, "socket", "message", nil, "0"),
            (#"{"socket":"connected","port":1}"#, "socket", "connected", nil, #"{"socket":"connected","port":1}"#),
            (#"{"socket":"gap","from":1}"#, "socket", "gap", nil, #"{"socket":"gap","from":1}"#),
            (#"{"socket":"close"}"#, "socket", "message", nil, #"{"socket":"close"}"#),
            (#"{"socket":1,"message":"a.b"}"#, "socket", "message", nil, #"{"socket":1,"message":"a.b"}"#),
            (#"{"message":1}"#, "socket", "message", nil, #"{"message":1}"#),
            ("{}", "socket", "message", nil, "{}"),
            ("", "socket", "message", nil, ""),
            ("[1,2]", "socket", "message", nil, "[1,2]"),
            ("null", "socket", "message", nil, "null"),
            ("hello", "socket", "message", nil, "hello"),
            (#"{"message":"a.b""#, "socket", "message", nil, #"{"message":"a.b""#),
            (#"{"message":"a.b"} x"#, "socket", "message", nil, #"{"message":"a.b"} x"#),
            (String(repeating: "[", count: 100_000), "socket", "message", nil, String(repeating: "[", count: 100_000)),
        ]
        try await withStations(backend) { stations in
            let client = try await makeClient(backend, stations)
            var queues: [String: Queue<PocketsocketClient.Event>.Iterator] = [:]
            for channel in Set(table.map(\.channel)) {
                queues[channel] = client.channel(channel).events.makeAsyncIterator()
            }
            try await client.connect()
            try await stations[0].waitForClients(1)
            for row in table { try await stations[0].say(row.text) }
            for row in table {
                var event: PocketsocketClient.Event?
                repeat {
                    guard case .element(let next) = try await queues[row.channel]?.next() else { break }
                    event = next
                } while event?.origin == .local
                let isSame = event?.data.text == row.data
                #expect(isSame && event?.name == row.name && event?.id == row.id, "\(row.text.prefix(60))")
                #expect(event?.channel == row.channel)
            }
            try await stations[0].say([1, 2, 3])
            guard case .element(let event) = try await queues["socket"]?.next() else { return }
            #expect(event.data == .binary([1, 2, 3]))
            await client.close()
        }
    }

    @Test("a message of several parts is found by its whole name too, and once", arguments: BackendKind.testable)
    func wholeNames(_ backend: BackendKind) async throws {
        try await withStations(backend) { stations in
            let client = try await makeClient(backend, stations)
            let whole = client.channel("a.b").events
            let bare = client.channel("a").events
            try await client.connect()
            try await stations[0].waitForClients(1)
            try await stations[0].say(#"{"message":"a.b","data":1}"#, #"{"message":"a","data":2}"#)
            #expect(try await take(2, from: bare) == ["b 1", " 2"])
            await client.close()
            #expect(try await take(2, from: whole) == ["b 1"])
            #expect(try await take(2, from: bare) == [])
        }
    }

    @Test("each of several servers gets its own id, and hears when all are open", arguments: BackendKind.testable)
    func several(_ backend: BackendKind) async throws {
        try await withStations(backend, .init(confirms: true), .init(confirms: true)) { stations in
            let client = try await makeClient(backend, stations)
            try await client.connect()
            for station in stations { try await station.waitForTexts(1) }
            #expect(await client.openServers == client.servers)
            for station in stations {
                let port = await station.port
                let data = #"{"ip":"127.0.0.1","port":\#(port),"name":""}"#
                #expect(await station.rests == [#""message":"socket.broadcast-all-connected","data":\#(data)}"#])
            }
            let ids = try await client.sendToAll("chat.said", .json("1"))
            #expect(ids.map(\.server) == client.servers)
            #expect(Set(ids.map(\.text)).count == 2)
            for (station, id) in zip(stations, ids) {
                try await station.waitForTexts(2)
                #expect(await station.ids[1] == id.text)
            }
            let one = try await client.send("chat.said", .json("2"), to: client.servers[1])
            #expect(one.server == client.servers[1])
            let receipt = try await client.sendAndWait("chat.said", .json("3"), to: client.servers[1])
            #expect(await stations[1].ids == [stations[1].ids[0], ids[1].text, one.text, receipt.messageID])
            #expect(await stations[0].heard.count == 2)
            let receipts = try await client.signalAndWait("chat", "said")
            #expect(receipts.map(\.server) == client.servers)
            await #expect { try await client.send("a.b", to: .init("elsewhere")) } throws: {
                ($0 as? PocketsocketClientError)?.code == .unknownServer
            }
            await client.close()
        }
    }

    @Test("texts go as they are", arguments: BackendKind.testable)
    func texts(_ backend: BackendKind) async throws {
        try await withStations(backend) { stations in
            try await PocketsocketClient.withClient(["127.0.0.1:\(stations[0].port)"], io: backend.choice) { client in
                try await client.sendText("hello ☃")
                try await client.sendText("", to: client.servers[0])
                await #expect { try await client.signal("a", "b", .json("{")) } throws: {
                    ($0 as? PocketsocketClientError)?.code == .badData
                }
                let large = String(repeating: "x", count: client.configuration.maxMessageBytes - 3)
                await #expect { try await client.signal("a", "b", large) } throws: {
                    ($0 as? PocketsocketClientError)?.code == .tooLarge
                }
                try await client.sendText(large)
            }
            try await stations[0].waitForTexts(3)
            #expect(await stations[0].heard.prefix(2) == ["hello ☃", ""])
            #expect(await stations[0].heard[2].utf8.count == 4 * 1024 * 1024 - 4)
        }
    }

    @Test("messages stay in order, and a slow server makes who sends wait", arguments: BackendKind.testable)
    func order(_ backend: BackendKind) async throws {
        try await withStations(backend) { stations in
            let client = try await makeClient(backend, stations) { $0.maxQueuedMessages = 3 }
            try await client.connect()
            for number in 0..<2_000 { try await client.signal("n", "o", .json("\(number)")) }
            await client.close()
            try await stations[0].waitForTexts(2_000)
            let numbers = await stations[0].rests.map { Int($0.drop { $0 != ":" }.filter(\.isNumber)) }
            let wrong = numbers.indices.first { numbers[$0] != $0 }
            #expect(wrong == nil)
        }
    }

    @Test("a reader that is behind pauses the socket, or loses with a gap", arguments: BackendKind.testable)
    func slowReader(_ backend: BackendKind) async throws {
        try await withStations(backend) { stations in
            let client = try await makeClient(backend, stations)
            let every = client.channel("n").events(limit: 2)
            let some = client.channel("n").events(limit: 2, onOverflow: .dropOldest)
            try await client.connect()
            try await stations[0].waitForClients(1)
            for number in 0..<500 { try await stations[0].say(#"{"message":"n.o","data":\#(number)}"#) }
            #expect(try await take(500, from: every) { $0.data.text } == (0..<500).map { "\($0)" })
            await client.close()
            #expect(try await take(9, from: some) { $0.data.text } == ["gap", "498", "499"])
        }
    }

    @Test("a reader that never reads holds up neither sending nor closing", arguments: BackendKind.testable)
    func noReader(_ backend: BackendKind) async throws {
        try await withStations(backend) { stations in
            let client = try await makeClient(backend, stations)
            let unread = client.channel("n").events(limit: 1)
            try await client.connect()
            try await stations[0].waitForClients(1)
            for number in 0..<50 { try await stations[0].say(#"{"message":"n.o","data":\#(number)}"#) }
            try await eventually("the reader is full") { unread.statistics.currentCount == 1 }
            for _ in 0..<500 { try await client.signal("a", "b") }
            await client.close()
            try await stations[0].waitForTexts(500)
            #expect(try await take(9, from: unread).first == "o 0")
        }
    }

    @Test("no bytes of a server are too much", arguments: BackendKind.testable)
    func anyBytes(_ backend: BackendKind) async throws {
        let seeds = [
            #"{"id":"0.1","message":"a.b","data":{"x":[1,"\u00e9"]}}"#,
            #"{"time": "2026-11-21 09:59:23", "messageId": "0.1", "socket": "sent", "attr": "json"}"#,
        ]
        try await withStations(backend) { stations in
            let client = try await makeClient(backend, stations)
            let core = client.channel("socket").events(limit: 100_000)
            try await client.connect()
            try await stations[0].waitForClients(1)
            var random = SplitMix64(seed: 7)
            for number in 0..<2_000 {
                var bytes = Array(seeds[number & 1].utf8)
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let index = Int.random(in: bytes.indices, using: &random)
                    switch Int.random(in: 0...2, using: &random) {
                    case 0: bytes[index] = UInt8.random(in: 0...127, using: &random)
                    case 1: bytes.remove(at: index)
                    default: bytes.insert(contentsOf: bytes[..<index], at: index)
                    }
                }
                try await stations[0].say(String(decoding: bytes, as: UTF8.self))
            }
            try await stations[0].say(#"{"socket":"the end"}"#)
            for try await case .element(let event) in core {
                _ = (event.text, event.receipt)
                if event.name == "the end" { break }
            }
            #expect(await client.isConnected)
            await client.close()
        }
    }
}
