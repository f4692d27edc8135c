// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

@testable import Belfry
import BelfryIO
import BelfryTesting
import Logging
import Testing

@testable import BelfryMissionCommander

@Suite("Clients and the server", .timeLimit(.minutes(3)))
struct ClientAndServerTests {
    private struct Serving {
        let broker: Broker
        let server: Server
        let address: SocketAddress
        /// What clients say from the beginning.
        let messages: Queue<Server.ReceivedMessage>
    }

    /// A server on a broker of its own, started.
    private func serve(
        _ backend: BackendKind,
        on host: String = SocketAddress.ownHost.host,
        port: Int = 0
    ) async throws -> Serving {
        let broker = try Broker(configuration: .init(io: backend.choice, loops: 2), logger: .quiet)
        let server = Server(broker: broker, interface: host, port: port)
        // Before it starts: who was waiting for it speaks at once.
        let messages = server.messages
        let address = try await server.start()
        return Serving(broker: broker, server: server, address: try #require(address), messages: messages)
    }

    private func makeClient(_ id: String, of server: SocketAddress, group: EventLoopGroup) async throws -> Client {
        let client = try Client(group: group, logger: .quiet)
        try await client.setAddress(server.host)
        try await client.setPort(server.port.map { Int($0) })
        try await client.setClientID(id)
        return client
    }

    @Test("messages go both ways, and a stopped server ends its clients", arguments: BackendKind.testable)
    func session(_ backend: BackendKind) async throws {
        let serving = try await serve(backend)
        let (broker, server, address) = (serving.broker, serving.server, serving.address)
        let group = try EventLoopGroup(backend.choice, count: 1, logger: .quiet)
        let client = try await makeClient("me", of: address, group: group)
        let watched = WatchedClient(client)
        let (arrivals, received) = (server.clients, serving.messages)
        #expect(try await client.connect())
        var arrival = arrivals.makeAsyncIterator()
        #expect(try await arrival.next() == .element(.init(id: "me", kind: .joined, isKnown: true)))
        let message = try Message(subject: "tést", payload: .json(#"{"n": 1, "s": "ü"}"#))
        #expect(try await server.send(to: "me", message))
        #expect(try await server.send(to: .all, message))
        #expect(try await client.send(message))
        var incoming = received.makeAsyncIterator()
        guard case .element(let first)? = try await incoming.next() else { throw ConditionNotMet("a message") }
        #expect(first.id == "me" && first.message.subject == message.subject)
        let events = try await watched.events(3)
        #expect(events.map(\.verb) == [.connect, .message, .message])
        for case .message(let seen) in events { #expect(seen.subject == message.subject) }
        try await server.stop()
        #expect(try await watched.events(1) == [.serverShutdown])
        #expect(try await watched.states(to: 10) == [22, 38, 10])
        await client.shutDown()
        await group.shutDown()
        await broker.shutDown()
    }

    @Test("a client that was away gets what was sent meanwhile", arguments: BackendKind.testable)
    func away(_ backend: BackendKind) async throws {
        let serving = try await serve(backend)
        let (broker, server, address) = (serving.broker, serving.server, serving.address)
        let group = try EventLoopGroup(backend.choice, count: 1, logger: .quiet)
        let client = try await makeClient("me", of: address, group: group)
        let watched = WatchedClient(client)
        var changes = server.clients.makeAsyncIterator()
        #expect(try await client.connect())
        _ = try await changes.next()
        await client.breakLink()
        #expect(try await changes.next() == .element(.init(id: "me", kind: .left, isKnown: true)))
        for number in 0..<20 { #expect(try await server.send(to: "me", Message(subject: "m\(number)"))) }
        let events = try await watched.events(22)
        #expect(events.prefix(2) == [.connect(id: "me"), .reconnect(id: "me")])
        #expect(events.dropFirst(2).elementsEqual(try (0..<20).map { .message(try Message(subject: "m\($0)")) }))
        #expect(try await watched.states(to: 150) == [22, 38, 150])
        #expect(try await watched.states(to: 38) == [38])
        #expect(try await client.disconnect())
        #expect(try await changes.next() == .element(.init(id: "me", kind: .returned, isKnown: true)))
        #expect(try await changes.next() == .element(.init(id: "me", kind: .left, isKnown: false)))
        await client.shutDown()
        await group.shutDown()
        await broker.shutDown()
    }

    @Test("200 clients survive a server that is killed and comes back", arguments: BackendKind.testable)
    func restart(_ backend: BackendKind) async throws {
        let count = 200
        let first = try await serve(backend)
        let group = try EventLoopGroup(backend.choice, count: 2, logger: .quiet)
        var clients: [WatchedClient] = []
        for number in 0..<count {
            let client = try await makeClient("c\(number)", of: first.address, group: group)
            clients.append(WatchedClient(client))
            #expect(try await client.connect())
        }
        try await eventually("all known") { await first.server.statistics.connected == count }
        // Whoever hears this knows where it is.
        #expect(try await first.server.send(to: .all, Message(subject: "welcome")))
        for (number, watched) in clients.enumerated() {
            let events = try await watched.events(2)
            #expect(events == [.connect(id: "c\(number)"), .message(try Message(subject: "welcome"))])
        }

        // As if the process were gone: no goodbye, no drain.
        for index in first.broker.shared.loops.indices { await LoopDoor(first.broker.shared, index).run { $0.stop() } }
        await first.broker.shutDown()
        for watched in clients {
            #expect(try await watched.states(to: 150) == [22, 38, 150])
            // Given while there is no server: they wait.
            for number in 0..<3 { #expect(try await watched.client.send(Message(subject: "m\(number)"))) }
        }

        let second = try await serve(backend, on: first.address.host, port: Int(first.address.port ?? 0))
        for watched in clients { #expect(try await watched.states(to: 38) == [38]) }
        var seen: [String: [String]] = [:]
        var left = count * 3
        for try await case .element(let received) in second.messages {
            seen[received.id, default: []].append(received.message.subject)
            left -= 1
            if left == 0 { break }
        }
        #expect(seen.count == count && seen.values.allSatisfy { $0 == ["m0", "m1", "m2"] })
        try await eventually("all known again") { await second.server.statistics.connected == count }
        #expect(try await second.server.send(to: .all, Message(subject: "welcome back")))
        for (number, watched) in clients.enumerated() {
            // The new server keeps nothing of the former's room, and nobody knows what was said there.
            let gap = try Message(subject: "gap", payload: .json(#"{"from": null, "to": null, "lost": null}"#))
            let last = try [ClientEvent.message(gap), .message(Message(subject: "welcome back"))]
            var events: [ClientEvent] = []
            while events.suffix(1) != last.suffix(1) { events += try await watched.events(1) }
            // Under load some meet the dying server's listener once more.
            #expect(events.suffix(2) == last[...])
            #expect(events.dropLast(2).allSatisfy { $0 == .reconnect(id: "c\(number)") } && events.count > 2)
            #expect(await watched.client.state.rawValue == 38)
        }
        try await second.server.stop()
        for watched in clients { #expect(try await watched.states(to: 10).last == 10) }
        await group.shutDown()
        await second.broker.shutDown()
    }
}

extension Client {
    /// As if the network had lost the connection.
    fileprivate func breakLink() { core.linkBroke(nil) }
}
