// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryMissionCommander
import Testing

@Suite("MissionCommander message", .timeLimit(.minutes(3)))
struct MessageTests {
    private struct Weather: Codable, Equatable {
        let city: String
        let degrees: Int
    }

    @Test("a JSON object is a payload, under both names, and the default is an empty one")
    func object() throws {
        let message = try BelfryMissionCommander.Message(subject: "echo", payload: .json(#"{"message": "hello!"}"#))
        #expect(message.subject == "echo")
        #expect(message.payload.text == #"{"message": "hello!"}"#)
        #expect(message.body == message.payload)
        #expect(try BelfryMissionCommander.Message(subject: "x").payload == .json("{}"))
    }

    @Test("a value goes in and comes out")
    func codable() throws {
        let value = Weather(city: "Malmö", degrees: 21)
        let message = try BelfryMissionCommander.Message(subject: "weather", encoding: value)
        #expect(try message.decode(Weather.self) == value)
        #expect(throws: DecodingError.self) { try message.decode([Int].self) }
    }

    @Test(
        "what is no JSON object is refused",
        arguments: [
            Payload.json("[1]"), .json("\"text\""), .json("{"), .json(""), .json("{} {}"), .text("{}"), .binary([1]),
        ]
    )
    func refused(_ payload: Payload) {
        let error = #expect(throws: MissionCommanderError.self) {
            try BelfryMissionCommander.Message(subject: "x", payload: payload)
        }
        #expect(error?.code == .invalidPayload)
    }

    @Test("what arrives may be any JSON value")
    func received() {
        #expect(BelfryMissionCommander.Message(received: "x", .json("[1]")).payload.text == "[1]")
    }
}
