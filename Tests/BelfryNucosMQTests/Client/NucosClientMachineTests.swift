// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import BelfryNucosMQ
import Testing

@Suite("NucosClientMachine", .timeLimit(.minutes(3)))
struct NucosClientMachineTests {
    /// Ways into each state.
    enum Stage: CaseIterable, Sendable {
        case connecting, deciding, awaitingChallenge, signing, awaitingResult, open, authenticated, probing, closing
        case closed

        /// A machine in this state.
        func machine() throws -> NucosClientMachine {
            let isNamed = self != .open && self != .probing
            var machine = NucosClientMachine(uid: isNamed ? "anna" : "", canSign: isNamed)
            if self == .connecting { return machine }
            _ = machine.connected()
            switch self {
            case .connecting, .deciding, .open: break
            case .probing: _ = machine.timedOut(.idle)
            case .closing: _ = machine.closes()
            case .closed: _ = machine.peerClosed()
            case .awaitingChallenge, .signing, .awaitingResult, .authenticated:
                _ = try send("start_auth", #""""#, to: &machine)
                if self == .awaitingChallenge { break }
                _ = try send("challenge_auth", "1", to: &machine)
                if self == .signing { break }
                _ = machine.signed(Array("2".utf8))
                if self == .awaitingResult { break }
                _ = try send("auth_final", #""success""#, to: &machine)
            }
            return machine
        }

        var timeout: NucosClientTimeout? {
            switch self {
            case .deciding: .hold
            case .awaitingChallenge, .signing, .awaitingResult: .step
            case .open, .authenticated: .idle
            case .probing: .pong
            case .closing: .close
            case .connecting, .closed: nil
            }
        }

        var isConnected: Bool { self != .connecting && self != .closing && self != .closed }
        var isOpen: Bool { self == .open || self == .authenticated || self == .probing }
        var isInHandshake: Bool { timeout == .step }
    }

    @Test("the handshake goes as captured")
    func handshake() throws {
        var machine = NucosClientMachine(uid: "testuser", canSign: true)
        #expect(machine.connected() == .ignore)
        let uid = Array(#"{"data": {"event": "uid", "content": "testuser"}}_EOM_"#.utf8)
        #expect(try send("start_auth", #""""#, to: &machine) == .send(uid))
        let challenge = #"{"nonce": "n-1", "for": "testuser"}"#
        #expect(try send("challenge_auth", challenge, to: &machine) == .sign(challenge: Array(challenge.utf8)))
        let signature = Array(#"{"data": {"event": "signature", "content": "1234"}}_EOM_"#.utf8)
        #expect(machine.signed(Array(#""1234""#.utf8)) == .send(signature))
        #expect(
            try send("auth_final", #""success""#, to: &machine)
                == .opened(isAuthenticated: true, send: NucosControl.thanks)
        )
        #expect(machine.isAuthenticated as Bool)
    }

    @Test("each state says what it is", arguments: Stage.allCases)
    func states(_ stage: Stage) throws {
        let machine = try stage.machine()
        #expect(machine.isConnected == stage.isConnected)
        #expect(machine.isOpen == stage.isOpen)
        #expect(machine.isAuthenticated == (stage == .authenticated))
        #expect(machine.timeout == stage.timeout)
    }

    @Test("without something to sign with, messages may leave at once", arguments: [("", true), ("anna", false)])
    func opensAtOnce(_ uid: String, _ canSign: Bool) {
        var machine = NucosClientMachine(uid: uid, canSign: canSign)
        #expect(machine.connected() == .opened(isAuthenticated: false, send: []))
        #expect(machine.connected() == .ignore)
    }

    @Test("a client that was asked without uid or signer closes and says which it lacks")
    func cannotAnswer() throws {
        var nameless = NucosClientMachine(uid: "", canSign: true)
        _ = nameless.connected()
        #expect(try send("start_auth", #""""#, to: &nameless) == .close(send: nil, reason: .noUID))
        var mute = NucosClientMachine(uid: "anna", canSign: false)
        _ = mute.connected()
        #expect(try send("start_auth", #""""#, to: &mute) == .close(send: nil, reason: .noSigner))
        #expect(!mute.isConnected as Bool)
    }

    @Test(
        "a start_auth that comes late is answered, one within a handshake or after it is not",
        arguments: Stage.allCases
    )
    func startAuth(_ stage: Stage) throws {
        var machine = try stage.machine()
        let action = try send("start_auth", #""""#, to: &machine)
        switch stage {
        case .deciding: #expect(machine.timeout == .step)
        case .open, .probing: #expect(action == .close(send: nil, reason: .noUID))
        case .connecting, .closed: #expect(action == .ignore)
        default: #expect(action == .drop(.unexpectedHandshake))
        }
        var late = NucosClientMachine(uid: "anna", canSign: true)
        _ = late.connected()
        #expect(late.timedOut(.hold) == .opened(isAuthenticated: false, send: []))
        _ = try send("start_auth", #""""#, to: &late)
        #expect(late.timeout == .step)
        #expect(!late.isOpen as Bool)
    }

    @Test("a challenge is signed only when it is due", arguments: Stage.allCases)
    func challenges(_ stage: Stage) throws {
        var machine = try stage.machine()
        let action = try send("challenge_auth", "[1, 2]", to: &machine)
        switch stage {
        case .awaitingChallenge: #expect(action == .sign(challenge: Array("[1, 2]".utf8)))
        case .connecting, .closed: #expect(action == .ignore)
        default: #expect(action == .drop(.unexpectedHandshake))
        }
        machine = try stage.machine()
        if stage != .signing { #expect(machine.signed(Array("1".utf8)) == .ignore) }
        machine = try stage.machine()
        #expect(machine.signed(nil) == (stage == .signing ? .close(send: nil, reason: .signingFailed) : .ignore))
    }

    @Test("the result counts only in a handshake, success only behind the signature", arguments: Stage.allCases)
    func results(_ stage: Stage) throws {
        var machine = try stage.machine()
        let failed = try send("auth_final", #""failed""#, to: &machine)
        machine = try stage.machine()
        let success = try send("auth_final", #""success""#, to: &machine)
        machine = try stage.machine()
        let other = try send("auth_final", "true", to: &machine)
        guard stage != .connecting, stage != .closed else {
            #expect(failed == .ignore && success == .ignore && other == .ignore)
            return
        }
        guard stage.isInHandshake else {
            for action in [failed, success, other] { #expect(action == .drop(.unexpectedHandshake)) }
            return
        }
        #expect(failed == .close(send: nil, reason: .refused))
        #expect(other == .drop(.unknownResult))
        #expect(
            success
                == (stage == .awaitingResult
                    ? .opened(isAuthenticated: true, send: NucosControl.thanks) : .drop(.unexpectedHandshake))
        )
    }

    @Test("ordinary events, and reserved ones of the other side, are the application's", arguments: Stage.allCases)
    func messages(_ stage: Stage) throws {
        for event in ["today", "all", "thanks", "challenge", "uid", "signature", "subscripe", ""] {
            for room in [nil, "weather"] {
                var machine = try stage.machine()
                let action = try send(event, "1", room: room, to: &machine)
                let isDeaf = stage == .connecting || stage == .closing || stage == .closed
                #expect(action == (isDeaf ? .ignore : .message), "\(event) in \(stage)")
                #expect(machine.timeout == stage.timeout)
            }
        }
    }

    @Test(
        "a command that comes through a room is dropped, whatever it is",
        arguments: ["ping", "pong", "shutdown", "start_auth", "challenge_auth", "auth_final"]
    )
    func commandsInRooms(_ event: String) throws {
        for stage in Stage.allCases where stage != .connecting && stage != .closed {
            var machine = try stage.machine()
            #expect(try send(event, #""now""#, room: "weather", to: &machine) == .drop(.controlEventInRoom))
            #expect(machine.timeout == stage.timeout)
        }
    }

    @Test("a ping is answered, a pong handed on, in every state that hears", arguments: Stage.allCases)
    func pings(_ stage: Stage) throws {
        var machine = try stage.machine()
        let ping = try send("ping", #""""#, to: &machine)
        let pong = try send("pong", #""""#, to: &machine)
        let isDeaf = stage == .connecting || stage == .closed
        #expect(ping == (isDeaf ? .ignore : .send(NucosControl.pong)))
        #expect(pong == (isDeaf ? .ignore : .pong))
    }

    @Test("shutdown now is confirmed in every state, confirmed is never answered", arguments: Stage.allCases)
    func shutdown(_ stage: Stage) throws {
        var machine = try stage.machine()
        let now = try send("shutdown", #""now""#, to: &machine)
        machine = try stage.machine()
        let confirmed = try send("shutdown", #""confirmed""#, to: &machine)
        machine = try stage.machine()
        let unknown = try send("shutdown", "null", to: &machine)
        switch stage {
        case .connecting, .closed:
            #expect(now == .ignore && confirmed == .ignore && unknown == .ignore)
        case .closing:
            #expect(now == .close(send: NucosControl.shutdownConfirmed, reason: .clientClosed))
            #expect(confirmed == .close(send: nil, reason: .clientClosed))
        default:
            #expect(now == .close(send: NucosControl.shutdownConfirmed, reason: .serverAnnounced))
            #expect(confirmed == .ignore)
            #expect(unknown == .drop(.unknownShutdown))
        }
    }

    @Test("the application closes in order, once", arguments: Stage.allCases)
    func closes(_ stage: Stage) throws {
        var machine = try stage.machine()
        let action = machine.closes()
        switch stage {
        case .connecting: #expect(action == .close(send: nil, reason: .clientClosed))
        case .closing, .closed: #expect(action == .ignore)
        default: #expect(action == .send(NucosControl.shutdownNow))
        }
        #expect(machine.closes() == .ignore)
        #expect(!machine.isConnected as Bool)
    }

    @Test("a timer acts only in its state", arguments: Stage.allCases)
    func timers(_ stage: Stage) throws {
        let expected: [(NucosClientTimeout, NucosClientAction)] = [
            (.hold, .opened(isAuthenticated: false, send: [])),
            (.step, .close(send: nil, reason: .handshakeTimedOut)),
            (.idle, .send(NucosControl.ping)),
            (.pong, .close(send: NucosControl.shutdownNow, reason: .idle)),
            (.close, .close(send: nil, reason: .closeTimedOut)),
        ]
        for (timeout, action) in expected {
            var machine = try stage.machine()
            let got = machine.timedOut(timeout)
            #expect(got == (stage.timeout == timeout ? action : .ignore), "\(timeout) in \(stage)")
        }
    }

    @Test("any byte saves an idle connection")
    func saved() throws {
        var machine = try Stage.probing.machine()
        machine.received()
        #expect(machine.timeout == .idle)
        #expect(machine.timedOut(.pong) == .ignore)
        var authenticated = try Stage.authenticated.machine()
        _ = authenticated.timedOut(.idle)
        #expect(authenticated.isAuthenticated as Bool)
        authenticated.received()
        #expect(authenticated.isAuthenticated as Bool)
    }

    @Test("each step of a handshake has a number of its own")
    func steps() throws {
        var seen: Set<Int> = []
        for stage in [Stage.awaitingChallenge, .signing, .awaitingResult] { seen.insert(try stage.machine().step) }
        #expect(seen.count == 3)
    }

    @Test("the end of the stream closes once", arguments: Stage.allCases)
    func peerCloses(_ stage: Stage) throws {
        var machine = try stage.machine()
        let action = machine.peerClosed()
        switch stage {
        case .closed: #expect(action == .ignore)
        case .closing: #expect(action == .close(send: nil, reason: .clientClosed))
        default: #expect(action == .close(send: nil, reason: .peerClosed))
        }
        #expect(machine.peerClosed() == .ignore)
    }

    @Test("the suggested times are those of the specification")
    func times() {
        #expect(NucosClientTimeout.hold.suggested == .milliseconds(200))
        #expect(NucosClientTimeout.step.suggested == .seconds(5))
        #expect(NucosClientTimeout.idle.suggested == .seconds(60))
        #expect(NucosClientTimeout.pong.suggested == .seconds(10))
        #expect(NucosClientTimeout.close.suggested == .seconds(1))
    }
}

/// Lets a message arrive at a machine.
private func send(
    _ event: String,
    _ content: String,
    room: String? = nil,
    to machine: inout NucosClientMachine
) throws -> NucosClientAction {
    let member = room.map { #", "room": "\#($0)""# } ?? ""
    let bytes = Array(#"{"data": {"event": "\#(event)", "content": \#(content)\#(member)}}_EOM_"#.utf8)
    return machine.frame(try NucosFrame.parse(bytes.span), bytes.span)
}
