// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryNucosMQ
import BelfryTesting
import Testing

@Suite("nucosMQ by datagrams", .timeLimit(.minutes(3)))
struct NucosDatagramTests {
    @Test("events arrive, up to the longest datagram", arguments: BackendKind.testable)
    func events(_ backend: BackendKind) async throws {
        try await withExchange(backend, configure: { $0.udp = true }) { exchange in
            let events = exchange.server.events()
            let port = try #require(exchange.address.port)
            let client = try NucosClientUDP(host: "127.0.0.1", port: port, io: backend.choice, logger: .silent)
            #expect(await !client.send(event: "e", content: .json("1")))
            try await client.start()
            #expect(await client.isConnected)
            let room = NucosClientUDP.maxDatagramBytes - message("e", #""""#).utf8.count
            let longest = Payload.text(String(repeating: "x", count: room))
            #expect(await client.send(event: "e", content: .json("[1]")))
            #expect(await client.send(event: "e", content: longest))
            #expect(await !client.send(event: "e", content: .text(longest.text + "x")))
            #expect(await !client.send(event: "e", content: .json("[")))
            await client.close()
            await client.close()
            #expect(await !client.isConnected)
            var iterator = events.makeAsyncIterator()
            var seen: [String] = []
            while seen.count < 3, case .element(let event) = try await iterator.next() {
                seen.append("\(event.event) \(event.content.bytes.count)")
                #expect(event.session == SessionID(0))
            }
            #expect(seen == ["e 3", "e \(room + 2)", "shutdown 5"])
        }
    }

    @Test(
        "all messages of a datagram count, malformed ones do not, and nothing is carried over",
        arguments: BackendKind.testable
    )
    func several(_ backend: BackendKind) async throws {
        try await withExchange(backend, configure: { $0.udp = true }) { exchange in
            let events = exchange.server.events()
            try await withLoop(backend) { [address = exchange.address] bench in
                let socket = try bench.loop.bindDatagrams(to: .loopback(port: 0), handler: bench.recorder())
                let cut = String(message("cut", "0").dropLast(3))
                let datagrams = [
                    "", "x", "_EOM_", cut, message("a", "1") + "junk_EOM_" + message("b", "2", room: "r") + cut,
                    message("ping", "3"), message("last", "4"),
                ]
                for text in datagrams {
                    let bytes = Array(text.utf8)
                    let isSent = bench.loop.sendDatagram(bytes.span, to: address, on: socket)
                    #expect(isSent)
                }
            }
            var iterator = events.makeAsyncIterator()
            var seen: [String] = []
            while seen.count < 4, case .element(let event) = try await iterator.next() {
                seen.append("\(event.event) \(event.content.text)")
            }
            #expect(seen == ["a 1", "b 2", "ping 3", "last 4"])
        }
    }

    @Test("an application that is too slow loses datagrams, nobody waits", arguments: BackendKind.testable)
    func slow(_ backend: BackendKind) async throws {
        try await withExchange(backend, configure: { $0.udp = true }) { exchange in
            let small = exchange.server.events(limit: 2)
            let large = exchange.server.events(limit: 100)
            let port = try #require(exchange.address.port)
            let client = try NucosClientUDP(host: "127.0.0.1", port: port, io: backend.choice, logger: .silent)
            try await client.start()
            for number in 0..<10 { #expect(await client.send(event: "e", content: .json("\(number)"))) }
            try await eventually("all of them") { large.statistics.currentCount == 10 }
            #expect(small.statistics.currentCount == 2)
            await client.close()
        }
    }

    @Test("a server that was closed starts again on the same port", arguments: BackendKind.testable)
    func restart(_ backend: BackendKind) async throws {
        try await withExchange(backend, configure: { $0.udp = true }) { exchange in
            let port = try #require(exchange.address.port)
            let configuration = NucosServerConfiguration(address: .loopback(port: port))
            await exchange.server.close()
            var again = configuration
            again.udp = true
            let server = NucosServer(broker: exchange.broker, configuration: again)
            let taken = NucosServer(broker: exchange.broker, configuration: again)
            for _ in 0..<3 {
                #expect(try await server.start() == exchange.address)
                await #expect(throws: BelfryError.self) { try await taken.start() }
                await server.close()
                #expect(await server.address == nil)
            }
        }
    }
}
