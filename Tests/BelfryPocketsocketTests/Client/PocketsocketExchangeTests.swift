// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryPocketsocket
import BelfryTesting
import Testing

@Suite("PocketsocketClient and PocketsocketServer", .timeLimit(.minutes(3)))
struct PocketsocketExchangeTests {
    private func client(_ setup: LoopSetup, _ servers: RunningPocketsocket...) throws -> PocketsocketClient {
        try PocketsocketClient(servers.map { "\($0.address)" }, io: setup.backend.choice, logger: .silent)
    }

    @Test("clients hear each other, who comes and goes, and the server", arguments: LoopSetup.all)
    func talk(_ setup: LoopSetup) async throws {
        try await withPocketsocket(setup) { running in
            let (anna, ben) = (try client(setup, running), try client(setup, running))
            let presence = anna.channel("socket").events(limit: 100_000)
            let (chat, news) = (ben.channel("chat").events("said"), ben.channel("news").events)
            try await anna.connect()
            try await ben.connect()
            let came = try await skip(to: "connected", in: presence)
            #expect(came.origin == .server)
            #expect(came.body.text.hasSuffix(#""address": "127.0.0.1","at":\#(came.offset ?? .max)}"#))
            for number in 0..<1_000 { try await anna.signal("chat", "said", .json("\(number)")) }
            let heard = try await take(1_000, from: chat) { $0.text }
            let wrong = heard.indices.first { heard[$0] != "\($0)" }
            #expect(wrong == nil)
            let receipt = try await anna.signalAndWait("chat", "said", "h\u{E9}").first
            #expect(receipt?.attribute == "json")
            #expect(try await take(1, from: chat) { $0.text } == ["h\u{E9}"])
            #expect(running.server.signal("news", "flash", .text("now")))
            #expect(try await take(1, from: news) { "\($0.name) \($0.text)" } == ["flash now"])
            await ben.close()
            try await skip(to: "disconnected", in: presence)
            await anna.close()
        }
    }

    @Test("a chat through two servers reaches clients of either", arguments: BackendKind.testable)
    func duplex(_ backend: BackendKind) async throws {
        let setup = LoopSetup(backend, loops: 1)
        try await withPocketsocket(setup) { first in
            try await withPocketsocket(setup) { second in
                let both = try client(setup, first, second)
                let (one, two) = (try client(setup, first), try client(setup, second))
                let heard = [one.channel("chat").events, two.channel("chat").events]
                let told = two.channel("socket").events("broadcast-all-connected")
                let answers = both.channel("chat").events("answer")
                try await one.connect()
                try await two.connect()
                try await both.connect()
                let all = try #require(try await take(1, from: told) { $0.text }.first)
                #expect(all == #"{"ip":"127.0.0.1","port":\#(second.address.port ?? 0),"name":""}"#)
                let ids = try await both.signal("chat", "said", "hello")
                for (events, id) in zip(heard, ids) {
                    #expect(try await take(1, from: events) { $0.id ?? "" } == [id.text])
                }
                try await one.signal("chat", "answer", "from one")
                try await two.signal("chat", "answer", "from two")
                let found = try await take(2, from: answers) { "\($0.server) \($0.text)" }
                #expect(Set(found) == ["\(first.address) from one", "\(second.address) from two"])
                for client in [both, one, two] { await client.close() }
            }
        }
    }

    @Test("a server's gap is an event of the channel socket", arguments: BackendKind.testable)
    func gap(_ backend: BackendKind) async throws {
        let setup = LoopSetup(backend, loops: 1)
        try await withPocketsocket(setup) { running in
            let anna = try client(setup, running)
            let gaps = anna.channel("socket").events("gap")
            try await anna.connect()
            try await eventually("anna is there") { running.server.clientCount == 1 }
            running.server.sendToAll(#"{"socket": "gap", "from": 1, "to": 3, "lost": 2}"#)
            let gap = try await take(1, from: gaps)
            #expect(gap.first?.hasPrefix(#"gap {"socket": "gap", "from": 1, "to": 3, "lost": 2,"at":"#) == true)
            await anna.close()
        }
    }
}
