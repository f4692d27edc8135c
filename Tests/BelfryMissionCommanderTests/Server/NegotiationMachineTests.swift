// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import BelfryMissionCommander
import Testing

@Suite("MissionCommander negotiation", .timeLimit(.minutes(3)))
struct NegotiationMachineTests {
    private func negotiate(_ subject: String, _ body: String) -> NegotiationMachine.Action {
        var machine = NegotiationMachine(maxIDBytes: 20)
        return machine.feed(subject, body)
    }

    @Test(
        "the id is a text that is not empty, or a whole number that is not zero",
        arguments: [
            (
                #"{"id": "Id0123456789abcd"}"#,
                NegotiationMachine.Action.accept(id: "Id0123456789abcd", wasNumber: false)
            ),
            (#" {"x": [1, {"id": 2}], "id" : "\u00e9"} "#, .accept(id: "é", wasNumber: false)),
            (#"{"id": 1, "id": "last"}"#, .accept(id: "last", wasNumber: false)),
            (#"{"id": 77}"#, .accept(id: "77", wasNumber: true)),
            (#"{"id": -5}"#, .accept(id: "-5", wasNumber: true)),
            (#"{"id": ""}"#, .refuse(.noID)), (#"{"id": 0}"#, .refuse(.noID)), (#"{"id": -0}"#, .refuse(.noID)),
            (#"{"id": null}"#, .refuse(.noID)), ("{}", .refuse(.noID)), (#"{"ID": "x"}"#, .refuse(.noID)),
            (#"{"id": 1.5}"#, .refuse(.badID)), (#"{"id": 1e3}"#, .refuse(.badID)), (#"{"id": true}"#, .refuse(.badID)),
            (#"{"id": {}}"#, .refuse(.badID)), (#"{"id": "123456789012345678901"}"#, .refuse(.longID)),
            ("[]", .refuse(.notAnObject)), ("", .refuse(.notAnObject)), ("{", .refuse(.notAnObject)),
        ]
    )
    func ids(_ body: String, _ action: NegotiationMachine.Action) {
        #expect(negotiate("negotiation", body) == action)
        #expect(negotiate("Negotiation", body) == .refuse(.noNegotiation))
    }

    @Test("after it: messages, skips, and a goodbye behind which nothing counts")
    func open() {
        var machine = NegotiationMachine()
        #expect(machine.isWaiting as Bool)
        _ = machine.feed("negotiation", #"{"id": "x"}"#)
        #expect(!machine.isWaiting as Bool)
        #expect(machine.timedOut() == .ignore)
        #expect(machine.feed("hello", "[1]") == .deliver)
        #expect(machine.feed("hello", "{") == .skip(.noJSON))
        #expect(machine.feed("negotiation", #"{"id": "y"}"#) == .skip(.negotiatedAlready))
        #expect(machine.feed("shutdown", "nonsense") == .leave)
        #expect(machine.feed("hello", "[1]") == .ignore)
    }

    @Test("the time runs out once, and a refusal is final")
    func timedOut() {
        var machine = NegotiationMachine()
        #expect(machine.timedOut() == .refuse(.timedOut))
        #expect(machine.timedOut() == .ignore)
        #expect(machine.feed("negotiation", #"{"id": "x"}"#) == .ignore)
        var other = NegotiationMachine()
        #expect(other.feed("shutdown", "{}") == .refuse(.noNegotiation))
        #expect(other.feed("negotiation", #"{"id": "x"}"#) == .ignore)
    }
}

extension NegotiationMachine {
    fileprivate mutating func feed(_ subject: String, _ body: String) -> Action {
        let bytes = Array(body.utf8)
        return frame(subject, try? JSONScanner.validate(bytes.span), bytes.span)
    }
}
