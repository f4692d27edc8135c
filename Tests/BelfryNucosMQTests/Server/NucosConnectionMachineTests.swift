// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import BelfryNucosMQ
import Testing

@Suite("NucosConnectionMachine", .timeLimit(.minutes(3)))
struct NucosConnectionMachineTests {
    /// Ways into each state.
    enum Stage: CaseIterable, Sendable {
        case open, awaitingUID, awaitingChallenge, awaitingSignature, verifying, authenticated, closing, closed

        /// A machine in this state.
        func machine() throws -> NucosConnectionMachine {
            var machine = NucosConnectionMachine(authenticates: self != .open && self != .closing)
            _ = machine.accepted()
            switch self {
            case .open, .awaitingUID: break
            case .closing: _ = machine.serverCloses()
            case .closed: _ = machine.peerClosed()
            case .awaitingChallenge, .awaitingSignature, .verifying, .authenticated:
                _ = try send("uid", #""anna""#, to: &machine)
                if self == .awaitingChallenge { break }
                _ = machine.challengeReady(Array(#""c""#.utf8))
                if self == .awaitingSignature { break }
                _ = try send("signature", #""s""#, to: &machine)
                if self == .verifying { break }
                _ = machine.verified(true)
            }
            return machine
        }

        var timeout: NucosTimeout? {
            switch self {
            case .open, .authenticated: .idle
            case .awaitingUID, .awaitingSignature: .step
            case .closing: .close
            case .awaitingChallenge, .verifying, .closed: nil
            }
        }
    }

    @Test("the handshake goes as captured")
    func handshake() throws {
        var machine = NucosConnectionMachine(authenticates: true)
        #expect(machine.accepted() == .send(NucosControl.startAuth))
        #expect(try send("uid", #""testuser""#, to: &machine) == .askChallenge(uid: "testuser"))
        #expect(machine.awaitsApplication as Bool)
        let challenge = Array(#"{"nonce": "n-1"}"#.utf8)
        let frame = Array(#"{"data": {"event": "challenge_auth", "content": {"nonce": "n-1"}}}_EOM_"#.utf8)
        #expect(machine.challengeReady(challenge) == .send(frame))
        #expect(
            try send("signature", "[1, 2]", to: &machine)
                == .verify(uid: "testuser", signature: Array("[1, 2]".utf8), challenge: challenge)
        )
        #expect(machine.awaitsApplication as Bool)
        #expect(!machine.isOpen as Bool)
        #expect(machine.uid == nil)
        #expect(machine.verified(true) == .opened(uid: "testuser", send: NucosControl.authSuccess))
        #expect(machine.isOpen as Bool)
        #expect(machine.uid == "testuser")
        #expect(try send("thanks", #""i am in""#, to: &machine) == .event)
    }

    @Test("without an authenticator the connection is open at once")
    func anonymous() {
        var machine = NucosConnectionMachine(authenticates: false)
        #expect(!machine.isOpen as Bool)
        #expect(machine.accepted() == .opened(uid: nil, send: []))
        #expect(machine.isOpen as Bool)
        #expect(machine.uid == nil)
        #expect(machine.accepted() == .ignore)
    }

    @Test("any event may carry the uid", arguments: ["uid", "hello", "ping", "subscripe"])
    func uidEvents(_ event: String) throws {
        var machine = try Stage.awaitingUID.machine()
        #expect(try send(event, #""Jos\u00e9""#, to: &machine) == .askChallenge(uid: "José"))
    }

    @Test(
        "a uid that is no text, empty or anonymous is refused",
        arguments: [#""""#, #""anonymous""#, #""\u0061nonymous""#, "1", "null", "true", "{}", #"["a"]"#]
    )
    func refusedUID(_ content: String) throws {
        var machine = try Stage.awaitingUID.machine()
        #expect(
            try send("uid", content, to: &machine) == .close(send: NucosControl.authFailed, reason: .uidRefused)
        )
    }

    @Test("an answer to the challenge under another name fails", arguments: ["uid", "ping", "thanks"])
    func wrongAnswer(_ event: String) throws {
        var machine = try Stage.awaitingSignature.machine()
        #expect(
            try send(event, #""s""#, to: &machine)
                == .close(send: NucosControl.authFailed, reason: .unexpectedAnswer)
        )
    }

    @Test("a refused signature, and a challenge that cannot be made, close with failed")
    func refused() throws {
        for stage in [Stage.verifying, .awaitingChallenge] {
            var machine = try stage.machine()
            #expect(
                machine.verified(false) == .close(send: NucosControl.authFailed, reason: .authenticationFailed)
            )
            #expect(machine.verified(true) == .ignore)
        }
    }

    @Test("the application's answers count only when they are due", arguments: Stage.allCases)
    func lateAnswers(_ stage: Stage) throws {
        var machine = try stage.machine()
        if stage != .awaitingChallenge { #expect(machine.challengeReady(Array("1".utf8)) == .ignore) }
        machine = try stage.machine()
        if stage != .verifying { #expect(machine.verified(true) == .ignore) }
        #expect(machine.timeout == stage.timeout)
    }

    @Test(
        "an open connection's messages",
        arguments: [
            ("ping", #""""#, .send(NucosControl.pong)), ("p\\u0069ng", #""""#, .send(NucosControl.pong)),
            ("pong", #""""#, .pong), ("hello", "1", .event), ("all", "1", .event), ("challenge", "1", .event),
            ("uid", #""x""#, .event), ("start_auth", #""""#, .event), ("shutdown", #""confirmed""#, .ignore),
            ("shutdown", #""now""#, .close(send: NucosControl.shutdownConfirmed, reason: .peerAnnounced)),
            ("shutdown", "1", .drop(.unknownShutdown)), ("shutdown", #""later""#, .drop(.unknownShutdown)),
            ("subscripe", #""""#, .drop(.roomNotString)), ("subscripe", "5", .drop(.roomNotString)),
            ("subscripe", "{}", .drop(.roomNotString)),
        ] as [(String, String, NucosAction)]
    )
    func openMessages(_ event: String, _ content: String, _ action: NucosAction) throws {
        for stage in [Stage.open, .authenticated] {
            var machine = try stage.machine()
            #expect(try send(event, content, to: &machine) == action)
        }
    }

    @Test("a subscription and a publish name their room as a range")
    func rooms() throws {
        var machine = try Stage.open.machine()
        let subscription = #"{"data": {"event": "subscripe", "content": "weather"}}_EOM_"#
        let subscribed = try withFrame(subscription) { frame, bytes in
            guard case .subscribe(let room) = machine.frame(frame, bytes) else { return "" }
            return room.string(in: bytes)
        }
        #expect(subscribed == "weather")
        let publish = #"{"data": {"event": "yesterday", "content": "rain", "room": "w\u00e9"}}_EOM_"#
        let published = try withFrame(publish) { frame, bytes in
            guard case .publish(let room) = machine.frame(frame, bytes) else { return "" }
            return room.string(in: bytes)
        }
        #expect(published == "wé")
    }

    @Test(
        "events that command clients are not published into rooms",
        arguments: ["shutdown", "ping", "pong", "start_auth", "challenge_auth", "auth_final", "\\u0070ing"]
    )
    func controlEventInRoom(_ event: String) throws {
        var machine = try Stage.authenticated.machine()
        #expect(try send(event, #""now""#, room: "r", to: &machine) == .drop(.controlEventInRoom))
        #expect(machine.isOpen as Bool)
    }

    @Test("a reserved event that means nothing to clients may be published", arguments: ["subscripe", "signature"])
    func harmlessEventInRoom(_ event: String) throws {
        var machine = try Stage.authenticated.machine()
        guard case .publish = try send(event, #""x""#, room: "r", to: &machine) else {
            Issue.record("\(event) was not published")
            return
        }
    }

    @Test("shutdown now is answered and ends the connection in every state", arguments: Stage.allCases)
    func shutdownNow(_ stage: Stage) throws {
        var machine = try stage.machine()
        let action = try send("shutdown", #""now""#, to: &machine)
        if stage == .closed {
            #expect(action == .ignore)
        } else {
            #expect(action == .close(send: NucosControl.shutdownConfirmed, reason: .peerAnnounced))
        }
        #expect(try send("shutdown", #""now""#, to: &machine) == .ignore)
        #expect(machine.timeout == nil)
    }

    @Test("the server announces its close, and closes on the answer", arguments: Stage.allCases)
    func serverCloses(_ stage: Stage) throws {
        var machine = try stage.machine()
        let action = machine.serverCloses()
        guard stage != .closing, stage != .closed else {
            #expect(action == .ignore)
            return
        }
        #expect(action == .send(NucosControl.shutdownNow))
        #expect(machine.timeout == .close)
        #expect(try send("hello", "1", to: &machine) == .drop(.closing))
        #expect(try send("hello", "1", room: "r", to: &machine) == .drop(.closing))
        #expect(try send("shutdown", #""confirmed""#, to: &machine) == .close(send: nil, reason: .serverClosed))
    }

    @Test("a timer acts only in its state", arguments: Stage.allCases)
    func timers(_ stage: Stage) throws {
        var machine = try stage.machine()
        #expect(machine.timeout == stage.timeout)
        let step = machine.stepTimedOut()
        #expect(
            step
                == (stage.timeout == .step
                    ? .close(send: NucosControl.authFailed, reason: .handshakeTimedOut) : .ignore)
        )
        machine = try stage.machine()
        let idle = machine.idleTimedOut()
        #expect(idle == (stage.timeout == .idle ? .close(send: NucosControl.shutdownNow, reason: .idle) : .ignore))
        machine = try stage.machine()
        let close = machine.closeTimedOut()
        #expect(close == (stage.timeout == .close ? .close(send: nil, reason: .closeTimedOut) : .ignore))
    }

    @Test("the end of the stream closes once, and the uid is still known", arguments: Stage.allCases)
    func peerCloses(_ stage: Stage) throws {
        var machine = try stage.machine()
        #expect(machine.peerClosed() == (stage == .closed ? .ignore : .close(send: nil, reason: .peerClosed)))
        #expect(machine.peerClosed() == .ignore)
        #expect(machine.uid == (stage == .authenticated ? "anna" : nil))
        #expect(!machine.isOpen as Bool)
    }

    @Test("a message while the application computes is dropped, not mistaken for an answer")
    func early() throws {
        for stage in [Stage.awaitingChallenge, .verifying] {
            var machine = try stage.machine()
            #expect(try send("signature", #""s""#, to: &machine) == .drop(.notReady))
            #expect(machine.awaitsApplication as Bool)
        }
    }

    @Test("uid, signature and messages in one segment are all handled in order")
    func oneSegment() {
        var machine = NucosConnectionMachine(authenticates: true)
        _ = machine.accepted()
        var decoder = NucosDecoder()
        var stream = NucosEncoder.frame(event: "uid", text: "anna")
        NucosEncoder.append(event: "signature", text: "s", to: &stream)
        NucosEncoder.append(event: "thanks", text: "i am in", to: &stream)
        NucosEncoder.append(event: "q", text: "1", room: "anna", to: &stream)
        var steps: [String] = []
        let handle: NucosDecoder.Handler = { part, bytes in
            guard case .frame(let frame) = part else { return .next }
            let action = machine.frame(frame, bytes)
            steps.append(String("\(action)".prefix { $0 != "(" }))
            return machine.awaitsApplication ? .hold : .next
        }
        decoder.decode(stream.span, handle)
        #expect(steps == ["askChallenge"])
        _ = machine.challengeReady(Array("1".utf8))
        decoder.resume(handle)
        #expect(steps == ["askChallenge", "verify"])
        _ = machine.verified(true)
        decoder.resume(handle)
        #expect(steps == ["askChallenge", "verify", "event", "publish"])
    }

    @Test("the suggested times are those of the specification")
    func times() {
        #expect(NucosTimeout.step.suggested == .seconds(5))
        #expect(NucosTimeout.idle.suggested == .seconds(300))
        #expect(NucosTimeout.close.suggested == .seconds(1))
    }
}

/// Lets a message arrive at a machine.
private func send(
    _ event: String,
    _ content: String,
    room: String? = nil,
    to machine: inout NucosConnectionMachine
) throws -> NucosAction {
    let member = room.map { #", "room": "\#($0)""# } ?? ""
    let bytes = Array(#"{"data": {"event": "\#(event)", "content": \#(content)\#(member)}}_EOM_"#.utf8)
    return machine.frame(try NucosFrame.parse(bytes.span), bytes.span)
}
