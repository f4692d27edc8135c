// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryTesting
import Foundation
import Testing

@testable import BelfryChatBox

@Suite("A pair is a room of a broker", .timeLimit(.minutes(1)))
struct RoomTests {
    @Test("clients in the room and both sides hear each other, once each")
    func room() async throws {
        try await withBroker { server in
            try await withBox { box, _ in
                // One pair is active before, one becomes so.
                try await box.worker1.access("a")
                let links = ChatBoxRooms(box, broker: server.broker) { "pair-\($0.service1ID)" }
                let run = Task { try await links.run() }
                try await eventually("the box is followed") { await box.core.followerCount == 1 }
                for (id, number) in [("a", 101), ("b", 102)] {
                    let client = try await server.join("pair-\(id)")
                    try await box.worker1.access(id)
                    let queue = try #require(await box.worker2.clientQueue(for: number))
                    try await box.worker1.send("from 1", to: id)
                    #expect(await client.line() == "M pair-\(id)  from 1")
                    try await client.send("O pair-\(id) shout from a session")
                    try await box.worker2.send("from 2", to: number)
                    // What the session said does not come back to it.
                    #expect(await client.line() == "M pair-\(id)  from 2")
                    let lines = Set(try await queue.first(3).map(\.line))
                    #expect(lines == ["0 from 1", #"1 {"event":"shout","content":"from a session"}"#, "1 from 2"])
                    // What the process publishes is nobody's.
                    try await server.broker.room("pair-\(id)").publish(.text("by the process"))
                    #expect(await client.line() == "M pair-\(id)  by the process")
                    try await box.worker1.deactivate(id, force: true)
                    let stored = try #require(try await box.worker1.storedConnection(for: id))
                    #expect(try await stored.savedMessageCount() == 3)
                    // Active again, it is linked again.
                    try await box.worker1.access(id)
                    try await box.worker1.send("again", to: id)
                    #expect(await client.line() == "M pair-\(id)  again")
                }
                run.cancel()
                try await run.value
            }
        }
    }

    @Test("closing the box ends the links")
    func closing() async throws {
        try await withBroker { server in
            let box = try ChatBox(service1: String.self, service2: Int.self, debug: true)
            box.worker2.onCreate { _ in 101 }
            try await box.worker1.access("a")
            let client = try await server.join("pair")
            let run = Task { try await ChatBoxRooms(box, broker: server.broker) { _ in "pair" }.run() }
            try await eventually("the box is followed") { await box.core.followerCount == 1 }
            try await box.worker1.send("x", to: "a")
            #expect(await client.line() == "M pair  x")
            await box.close()
            try await run.value
        }
    }

    @Test(
        "what a room says is a text",
        arguments: [
            ("", Payload.text("plain"), "plain"), ("", .json(#"{"a": 1}"#), #"{"a": 1}"#),
            ("", .json(#""text""#), #""text""#),
            ("e", .json("[1, 2]"), #"{"event":"e","content":[1, 2]}"#),
            ("\"", .text("é\n"), #"{"event":"\"","content":"é\n"}"#),
            ("e", .binary([1, 2, 3]), #"{"event":"e","content":"AQID"}"#), ("", .binary([0xFF]), "/w=="),
        ]
    )
    func text(_ event: String, _ payload: Payload, _ text: String) {
        #expect(RoomText.text(event: event, payload) == text)
    }
}
