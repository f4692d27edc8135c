// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryMissionCommander
import BelfryNucosMQ
import BelfryTesting
import Testing

@Suite("MissionCommander and nucosMQ in one room", .timeLimit(.minutes(3)))
struct CrossProtocolTests {
    @Test("messages cross, with event as subject and content as body", arguments: LoopSetup.all)
    func cross(_ setup: LoopSetup) async throws {
        try await withServer(setup, configure: { $0.publishesClientMessages = true }) { server, broker in
            let nucos = NucosServer(broker: broker, configuration: .init(address: .loopback(port: 0)))
            let speaker = try await RawPeer(to: nucos.start())
            try await speaker.send(nucosMessage("subscripe", #""missioncommander""#, room: nil))
            let commander = try await server.join("x")
            let room = try await broker.room("missioncommander")
            try await eventually("both are in") { await room.memberCount == 2 }

            // From nucosMQ: an object, and any other JSON value.
            let contents = [#"{"message": "h\u00e9"}"#, #""text""#, "[1, 2]", "null", "1.5"]
            for (index, content) in contents.enumerated() {
                try await speaker.send(nucosMessage("e\(index)", content))
            }
            let seen = await commander.frames(contents.count)
            #expect(seen == contents.enumerated().map { .frame(subject: "e\($0)", value: $1) })

            // From MissionCommander, by a client and by the server.
            try await commander.send(frameBytes("hello", #"{"from": "client"}"#))
            let fromClient = #"{"event": "hello", "content": {"from": "client"}, "room": "missioncommander"}"#
            #expect(await speaker.text(until: fromClient) != nil)
            try await server.send(to: .all, Message(subject: "hello", payload: .json(#"{"from": "server"}"#)))
            let fromServer = #"{"event": "hello", "content": {"from": "server"}, "room": "missioncommander"}"#
            #expect(await speaker.text(until: fromServer) != nil)
            await nucos.close()
        }
    }

    @Test("an event that no header can carry, or that would end clients, comes wrapped")
    func wrapped() async throws {
        try await withServer { server, broker in
            let commander = try await server.join("x")
            let room = try await broker.room("missioncommander")
            let long = String(repeating: "é", count: 30)
            try await room.publish(event: long, .json("[1]"))
            try await room.publish(event: "shutdown", .json(#""now""#))
            try await room.publish(event: "", .binary([1, 2]))
            let escaped = String(repeating: #"\u00e9"#, count: 30)
            #expect(
                await commander.frames(3) == [
                    .frame(subject: "message", value: #"{"event": "\#(escaped)", "content": [1]}"#),
                    .frame(subject: "message", value: #"{"event": "shutdown", "content": "now"}"#),
                    .frame(subject: "", value: #""AQI=""#),
                ]
            )
        }
    }

    @Test("a client that is too slow for the room is told of the gap")
    func gap() async throws {
        try await withServer(broker: { $0.lag = LagLimit(messages: 3) }) { server, _ in
            let peer = try await server.join("x")
            await peer.setReading(false)
            let filler = String(repeating: "x", count: 100_000)
            for number in 0..<60 {
                try await server.send(
                    to: .all,
                    Message(subject: "\(number)", payload: .json(#"{"filler": "\#(filler)"}"#))
                )
            }
            await peer.setReading(true)
            var gaps = 0
            while case .frame(let subject, let value)? = await peer.frame(), subject != "59" {
                if subject == "gap" {
                    gaps += 1
                    #expect(value.hasPrefix(#"{"from": "#) && value.contains(#""lost": "#))
                }
            }
            #expect(gaps > 0)
        }
    }

    private func nucosMessage(_ event: String, _ content: String, room: String? = "missioncommander") -> [UInt8] {
        let place = room.map { #", "room": "\#($0)""# } ?? ""
        return Array(#"{"data": {"event": "\#(event)", "content": \#(content)\#(place)}}_EOM_"#.utf8)
    }
}
