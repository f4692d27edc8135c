// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryMissionCommander
import Testing

@Suite("Client states and verbs", .timeLimit(.minutes(3)))
struct ClientStateTests {
    @Test(
        "a state has the original's names",
        arguments: [
            (0, "STATE_UNDEFINED"), (1, "STATE_NEEDS_INIT"), (2, "STATE_OK"), (4, "STATE_RUNNING"),
            (8, "STATE_NOT_CONNECTED"), (16, "STATE_CONNECTING"), (32, "STATE_CONNECTED"),
            (64, "STATE_CONNECT_FAILED"), (128, "STATE_RECONNECTING"), (256, "STATE_RECONNECT_FAILED"),
            (512, "STATE_DISCONNECTING"), (1024, "STATE_DISCONNECT_FAILED"), (2048, "STATE_UNEXP_CLOSED"),
            (34, "STATE_OK, STATE_CONNECTED"), (9, "STATE_NEEDS_INIT, STATE_NOT_CONNECTED"),
            (38, "STATE_OK, STATE_RUNNING, STATE_CONNECTED"), (4098, "STATE_OK"), (4096, nil), (-4096, nil),
        ] as [(Int, String?)]
    )
    func names(_ value: Int, _ name: String?) {
        #expect(ClientState.name(of: value) == name)
        #expect(ClientState(rawValue: value).name == name)
    }

    @Test("a transition has the original's texts")
    func transition() {
        let transition = ClientStateTransition(from: .notConnected, to: [.ok, .connecting])
        #expect("\(transition)" == "Changing client state from STATE_NOT_CONNECTED to STATE_OK, STATE_CONNECTING")
        #expect(String(reflecting: transition) == "<ClientStateTransition from=8 to=18>")
    }

    @Test(
        "a verb is read in any spelling",
        arguments: [
            ("onConnect", .connect), ("on-connect", .connect), ("ConNEct", .connect), ("onCon-nect", .connect),
            ("connect", .connect), ("o_n_connect", .connect), ("on_server_shutdown", .serverShutdown),
            ("ServerShutdown", .serverShutdown), ("STATE-CHANGE", .stateChange), ("onmessage", .message),
            ("onDisconnect", .disconnect), ("reconnect", .reconnect),
            ("onOnConnect", nil), ("", nil), ("on", nil), ("connected", nil), ("con nect", nil),
        ] as [(String, Verb?)]
    )
    func verbs(_ spelling: String, _ verb: Verb?) {
        #expect(Verb(spelling: spelling) == verb)
    }

    @Test("an ID is 16 letters and digits, another one each time")
    func ids() {
        let ids = (0..<200).map { _ in Client.generateID() } + [Client.generateNewID()]
        #expect(Set(ids).count == 201)
        for id in ids {
            #expect(id.utf8.count == 16)
            #expect(id.unicodeScalars.allSatisfy { $0.isASCII && ($0.properties.isAlphabetic || $0.value < 0x3A) })
        }
    }
}
