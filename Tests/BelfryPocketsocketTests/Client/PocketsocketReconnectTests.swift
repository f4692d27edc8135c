// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryPocketsocket
import BelfryTesting
import Testing

@Suite("PocketsocketClient, coming back", .timeLimit(.minutes(3)))
struct PocketsocketReconnectTests {
    private func code(_ error: any Error) -> PocketsocketClientError.Code? { (error as? PocketsocketClientError)?.code }

    @Test("a client comes back, and sends what waited, in order", arguments: BackendKind.testable)
    func comingBack(_ backend: BackendKind) async throws {
        try await withStations(backend, .init(confirms: true)) { stations in
            let client = try await makeClient(backend, stations)
            let core = client.channel("socket").events
            let chat = client.channel("chat").events
            try await client.connect()
            try await client.signalAndWait("n", "o", .json("0"))
            await stations[0].stop()
            try await skip(to: "reconnect", in: core)
            for number in 1...20 { try await client.signal("n", "o", .json("\(number)")) }
            #expect(await !client.isConnected)
            try await stations[0].start()
            try await skip(to: "open", in: core)
            try await client.signalAndWait("n", "o", .json("21"))
            let expected = (0...21).map { #""message":"n.o","data":\#($0)}"# }
            #expect(await stations[0].rests == expected)
            try await stations[0].say(#"{"message":"chat.said"}"#)
            #expect(try await take(1, from: chat) == ["said {}"])
            await client.close()
        }
    }

    @Test("the channel socket tells the story", arguments: BackendKind.testable)
    func story(_ backend: BackendKind) async throws {
        try await withStations(backend) { stations in
            let client = try await makeClient(backend, stations) { $0.reconnect?.maxAttempts = 2 }
            let core = client.channel("socket").events
            try await client.connect()
            await stations[0].breakOff()
            let story = try await take(7, from: core) { $0.name }
            #expect(story == ["connecting", "open", "error", "close", "reconnect", "connecting", "open"])
            await stations[0].stop()
            var rest: [PocketsocketClient.Event] = []
            await #expect {
                for try await case .element(let event) in core { rest.append(event) }
            } throws: { error in
                ((error as? QueueError)?.cause as? PocketsocketClientError)?.code == .gaveUp
            }
            let attempt = ["reconnect", "connecting", "error", "close"]
            #expect(rest.map(\.name) == ["close"] + attempt + attempt + ["error"])
            #expect(rest.first?.data.text.hasPrefix(#"{"code":1001,"#) == true)
            #expect(rest.compactMap { $0.error?.code } == [.connectFailed, .connectFailed, .gaveUp])
            #expect(rest.allSatisfy { $0.origin == .local })
            #expect(rest[1].data.text.hasPrefix(#"{"attempt":1,"attempts":2,"delay":"#))
            await #expect { try await client.signal("a", "b") } throws: { code($0) == .notConnected }
            // It can be asked to try again.
            await #expect { try await client.connect() } throws: { code($0) == .gaveUp }
            try await stations[0].start()
            try await client.connect()
            #expect(await client.isConnected)
            await client.close()
        }
    }

    @Test("what waits for a server that is away has bounds, and is told at the end", arguments: BackendKind.testable)
    func bounds(_ backend: BackendKind) async throws {
        try await withStations(backend) { stations in
            let client = try await makeClient(backend, stations) { configuration in
                configuration.maxQueuedMessages = 3
                configuration.maxQueuedBytes = 1_000
            }
            let core = client.channel("socket").events
            try await client.connect()
            await stations[0].stop()
            try await skip(to: "reconnect", in: core)
            let large = String(repeating: "x", count: 2_000)
            var ids = try await client.signal("a", "b", large)
            await #expect { try await client.signal("a", "b") } throws: { code($0) == .queueFull }
            try await stations[0].start()
            try await skip(to: "open", in: core)
            try await stations[0].waitForTexts(1)
            await stations[0].stop()
            try await skip(to: "reconnect", in: core)
            ids = []
            for _ in 0..<3 { ids += try await client.signal("a", "b") }
            await #expect { try await client.sendText("one more") } throws: { code($0) == .queueFull }
            await #expect { try await client.signalAndWait("a", "b") } throws: { code($0) == .queueFull }
            await client.close()
            let errors = try await take(1_000, from: core) { event in
                event.error?.code == .closed ? event.error?.messageIDs.joined(separator: " ") ?? "" : ""
            }
            #expect(errors.filter { !$0.isEmpty } == [ids.map(\.text).joined(separator: " ")])
        }
    }

    @Test("one server of two that is away holds nothing up", arguments: BackendKind.testable)
    func oneOfTwo(_ backend: BackendKind) async throws {
        try await withStations(backend, .init(), .init()) { stations in
            await stations[1].stop()
            let client = try await makeClient(backend, stations) { $0.maxQueuedMessages = 2 }
            let core = client.channel("socket").events("error")
            try await client.connect()
            #expect(await client.openServers == [client.servers[0]])
            for number in 0..<4 {
                let ids = try await client.signal("n", "o", .json("\(number)"))
                #expect(ids.map(\.server) == (number < 2 ? client.servers : [client.servers[0]]))
                try await stations[0].waitForTexts(number + 1)
            }
            var full = 0
            while full < 2 { if try await skip(to: "error", in: core).error?.code == .queueFull { full += 1 } }
            try await stations[1].start()
            try await stations[1].waitForTexts(3)
            #expect(await Array(stations[1].rests.dropLast()) == [0, 1].map { #""message":"n.o","data":\#($0)}"# })
            #expect(await stations[1].rests[2].contains("broadcast-all-connected"))
            await client.close()
        }
    }

    @Test("what a broken connection may have lost is told", arguments: BackendKind.testable)
    func unconfirmed(_ backend: BackendKind) async throws {
        try await withStations(backend, .init()) { stations in
            let client = try await makeClient(backend, stations)
            let core = client.channel("socket").events("error")
            try await client.connect()
            // The server gives one receipt, so those that are missing mean something.
            let first = try await client.signal("a", "b")
            try await stations[0].waitForTexts(1)
            try await stations[0].say(Station.receipt(of: first[0].text))
            let second = Task { try await client.signalAndWait("a", "b") }
            try await stations[0].waitForTexts(2)
            let third = try await client.signal("a", "b")
            try await stations[0].waitForTexts(3)
            await stations[0].breakOff()
            await #expect { try await second.value } throws: { code($0) == .unconfirmed }
            let told = try await skip(to: "error", in: core).error
            #expect(told?.code == .unconfirmed)
            #expect(told?.messageIDs == [await stations[0].ids[1], third[0].text])
            await client.close()
        }
    }

    @Test("a receipt that does not come is waited for so long, and no longer", arguments: BackendKind.testable)
    func noReceipt(_ backend: BackendKind) async throws {
        try await withStations(backend) { stations in
            let client = try await makeClient(backend, stations)
            try await client.connect()
            await #expect { try await client.signalAndWait("a", "b", timeout: .milliseconds(20)) } throws: {
                code($0) == .timedOut
            }
            let waiting = Task { try await client.signalAndWait("a", "b") }
            try await stations[0].waitForTexts(2)
            waiting.cancel()
            await #expect { try await waiting.value } throws: { code($0) == .cancelled }
            await client.close()
        }
    }

    @Test("a server that is not there fails, at once without a policy", arguments: BackendKind.testable)
    func nobody(_ backend: BackendKind) async throws {
        try await withStations(backend) { stations in
            await stations[0].stop()
            let client = try await makeClient(backend, stations) { $0.reconnect = nil }
            await #expect { try await client.signal("a", "b") } throws: { code($0) == .notConnected }
            let chat = client.channel("chat").events
            await #expect { try await client.connect() } throws: { code($0) == .gaveUp }
            // A sequence that waits for the first connection goes on waiting.
            try await stations[0].start()
            try await client.connect()
            try await stations[0].waitForClients(1)
            try await stations[0].say(#"{"message":"chat.said"}"#)
            #expect(try await take(1, from: chat) == ["said {}"])
            await client.close()
            await client.close()
            try await client.connect()
            #expect(await client.isConnected)
            await client.close()
        }
    }

    @Test("connecting can be cancelled", arguments: BackendKind.testable)
    func cancelled(_ backend: BackendKind) async throws {
        try await withStations(backend) { stations in
            await stations[0].stop()
            let client = try await makeClient(backend, stations)
            let core = client.channel("socket").events
            let connecting = Task { try await client.connect() }
            try await skip(to: "reconnect", in: core)
            connecting.cancel()
            await #expect { try await connecting.value } throws: { code($0) == .cancelled }
            await #expect { try await client.signal("a", "b") } throws: { code($0) == .notConnected }
        }
    }

    @Test("a client that nobody holds closes", arguments: BackendKind.testable)
    func dropped(_ backend: BackendKind) async throws {
        try await withStations(backend, .init(), .init()) { stations in
            await stations[1].stop()
            var client: PocketsocketClient? = try await makeClient(backend, stations)
            let chat = try #require(client?.channel("chat").events)
            try await client?.connect()
            try await stations[0].waitForClients(1)
            client = nil
            #expect(try await take(1, from: chat) == [])
            try await stations[0].waitForClients(0)
        }
    }

    @Test("clients may share a loop", arguments: BackendKind.testable)
    func sharedLoop(_ backend: BackendKind) async throws {
        try await withStations(backend, .init(forwards: true)) { stations in
            let group = try EventLoopGroup(backend.choice, count: 1, logger: .silent)
            let server = "127.0.0.1:\(await stations[0].port)"
            let anna = try PocketsocketClient([server], group: group)
            var ben: PocketsocketClient? = try PocketsocketClient([server], group: group)
            let chat = try #require(ben?.channel("chat").events)
            try await anna.connect()
            try await ben?.connect()
            try await stations[0].waitForClients(2)
            try await anna.signal("chat", "said", "hello")
            #expect(try await take(1, from: chat) == [#"said "hello""#])
            ben = nil
            try await stations[0].waitForClients(1)
            await anna.close()
            await group.shutDown()
        }
    }

    @Test("a loop that stops ends what its clients wait for", arguments: BackendKind.testable)
    func stoppedLoop(_ backend: BackendKind) async throws {
        try await withStations(backend) { stations in
            let group = try EventLoopGroup(backend.choice, count: 1, logger: .silent)
            let server = "127.0.0.1:\(await stations[0].port)"
            let client = try PocketsocketClient([server], group: group, logger: .silent)
            let chat = client.channel("chat").events
            try await client.connect()
            let receipt = Task { try await client.signalAndWait("a", "b") }
            try await stations[0].waitForTexts(1)
            await group.shutDown()
            await #expect { try await take(1, from: chat) } throws: { error in
                ((error as? QueueError)?.cause as? PocketsocketClientError)?.code == .gaveUp
            }
            await #expect { try await receipt.value } throws: { code($0) == .unconfirmed }
            await #expect { try await client.signal("a", "b") } throws: { code($0) == .notConnected }
            await client.close()
        }
    }
}
