// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Testing

@testable import BelfryMissionCommander

/// The transitions of the wire's §5.2, with RUNNING.
@Suite("Client state machine", .timeLimit(.minutes(3)))
struct ClientStateMachineTests {
    /// What happens to a machine, as a value.
    enum Input: Equatable {
        case configured, connect, cancelConnect, disconnect, on, off, giveUp
        case stands, refused, timedOut, unusable, pauseOver, broke, serverStops, callbacksReturned
        case goodbyeIsOut, goodbyeIsOver, goodbyeTimedOut, loopStopped
    }

    struct Case: CustomTestStringConvertible {
        let name: String
        var reconnects = true
        let inputs: [Input]
        /// The states that `statechange` told of, from the first `connect` on.
        let states: [Int]
        /// The events besides state changes.
        var events: [ClientEvent] = []
        /// What `connect()` and `disconnect()` answered; nil for one that had nothing to do.
        var answers: [Bool?] = []

        var testDescription: String { name }
    }

    private static let up: [Input] = [.connect, .stands]

    static let cases: [Case] = [
        Case(name: "connected", inputs: up, states: [22, 38], events: [.connect(id: "me")], answers: [true]),
        Case(
            name: "refused, once",
            reconnects: false,
            inputs: [.connect, .refused],
            states: [22, 72],
            answers: [false]
        ),
        Case(name: "no local end", inputs: [.connect, .unusable], states: [22, 72], answers: [false]),
        Case(name: "no answer", inputs: [.connect, .timedOut], states: [22, 2120], answers: [false]),
        Case(
            name: "refused, then connected",
            inputs: [.connect, .refused, .pauseOver, .refused, .pauseOver, .timedOut, .pauseOver, .stands],
            states: [22, 150, 38],
            events: [.connect(id: "me")],
            answers: [true]
        ),
        Case(
            name: "broken and mended twice",
            inputs: up + [.broke, .pauseOver, .unusable, .pauseOver, .stands, .broke, .pauseOver, .stands],
            states: [22, 38, 150, 38, 150, 38],
            events: [.connect(id: "me"), .reconnect(id: "me"), .reconnect(id: "me")],
            answers: [true]
        ),
        Case(
            name: "broken for good",
            reconnects: false,
            inputs: up + [.broke],
            states: [22, 38, 2056],
            events: [.connect(id: "me")],
            answers: [true]
        ),
        Case(
            name: "reconnecting switched off in a pause",
            inputs: up + [.broke, .off, .pauseOver],
            states: [22, 38, 150, 264],
            events: [.connect(id: "me")],
            answers: [true]
        ),
        Case(
            name: "reconnecting switched off in an attempt",
            inputs: up + [.broke, .pauseOver, .off, .stands],
            states: [22, 38, 150, 264],
            events: [.connect(id: "me")],
            answers: [true]
        ),
        Case(
            name: "switched off while connected, then broken",
            inputs: up + [.off, .broke],
            states: [22, 38, 2056],
            events: [.connect(id: "me")],
            answers: [true]
        ),
        Case(
            name: "switched off in the first attempt",
            inputs: [.connect, .off, .refused],
            states: [22, 72],
            answers: [false]
        ),
        Case(
            name: "given up",
            inputs: up + [.broke, .pauseOver, .refused, .giveUp],
            states: [22, 38, 150, 264],
            events: [.connect(id: "me")],
            answers: [true]
        ),
        Case(
            name: "disconnected",
            inputs: up + [.disconnect, .goodbyeIsOut, .goodbyeIsOver],
            states: [22, 38, 518, 10],
            events: [.connect(id: "me"), .disconnect],
            answers: [true, true]
        ),
        Case(
            name: "disconnected, and the server closed first",
            inputs: up + [.disconnect, .goodbyeIsOut, .broke],
            states: [22, 38, 518, 10],
            events: [.connect(id: "me"), .disconnect],
            answers: [true, true]
        ),
        Case(
            name: "broken while disconnecting",
            inputs: up + [.disconnect, .broke],
            states: [22, 38, 518, 1032],
            events: [.connect(id: "me"), .disconnect],
            answers: [true, false]
        ),
        Case(
            name: "the server does not take the goodbye",
            inputs: up + [.disconnect, .goodbyeTimedOut, .broke],
            states: [22, 38, 518, 3080],
            events: [.connect(id: "me"), .disconnect],
            answers: [true, false]
        ),
        Case(
            name: "disconnected while reconnecting",
            inputs: up + [.broke, .disconnect, .pauseOver],
            states: [22, 38, 150, 10],
            events: [.connect(id: "me"), .disconnect],
            answers: [true, true]
        ),
        Case(
            name: "disconnected, then connected and broken: still mended",
            inputs: up + [.broke, .pauseOver, .disconnect] + up + [.broke, .pauseOver, .stands],
            states: [22, 38, 150, 10, 22, 38, 150, 38],
            events: [.connect(id: "me"), .disconnect, .connect(id: "me"), .reconnect(id: "me")],
            answers: [true, true, true]
        ),
        Case(
            name: "the server stops",
            inputs: up + [.serverStops, .broke, .callbacksReturned, .callbacksReturned],
            states: [22, 38, 10],
            events: [.connect(id: "me"), .serverShutdown],
            answers: [true]
        ),
        Case(
            name: "disconnected while the server stops",
            inputs: up + [.serverStops, .disconnect, .callbacksReturned, .goodbyeIsOut, .goodbyeIsOver],
            states: [22, 38, 518, 10],
            events: [.connect(id: "me"), .serverShutdown, .disconnect],
            answers: [true, true]
        ),
        Case(
            name: "disconnected when the server has gone",
            inputs: up + [.serverStops, .broke, .disconnect, .callbacksReturned],
            states: [22, 38, 10],
            events: [.connect(id: "me"), .serverShutdown, .disconnect],
            answers: [true, true]
        ),
        Case(
            name: "nothing to connect, nothing to disconnect",
            inputs: [.disconnect, .connect, .disconnect, .connect, .stands, .connect, .disconnect, .disconnect],
            states: [22, 38, 518],
            events: [.connect(id: "me"), .disconnect],
            answers: [nil, nil, nil, true, nil, nil]
        ),
        Case(name: "given up by the caller", inputs: [.connect, .cancelConnect], states: [22, 72], answers: [false]),
        Case(
            name: "the loop ends in an attempt",
            inputs: [.connect, .loopStopped],
            states: [22, 72],
            answers: [false]
        ),
        Case(
            name: "the loop ends while connected",
            inputs: up + [.loopStopped, .loopStopped],
            states: [22, 38, 2056],
            events: [.connect(id: "me")],
            answers: [true]
        ),
        Case(
            name: "the loop ends in a pause",
            inputs: up + [.broke, .loopStopped],
            states: [22, 38, 150, 264],
            events: [.connect(id: "me")],
            answers: [true]
        ),
        Case(
            name: "the loop ends while disconnecting",
            inputs: up + [.disconnect, .loopStopped],
            states: [22, 38, 518, 1032],
            events: [.connect(id: "me"), .disconnect],
            answers: [true, false]
        ),
    ]

    /// Feeds one input; nil where `connect` or `disconnect` has nothing to do.
    private static func feed(_ input: Input, _ machine: inout ClientStateMachine) -> [ClientStateMachine.Action]? {
        switch input {
        case .configured: machine.configured()
        case .connect: machine.connect(as: "me")
        case .cancelConnect: machine.cancelConnect()
        case .disconnect: machine.disconnect()
        case .on: machine.setAttemptReconnect(true)
        case .off: machine.setAttemptReconnect(false)
        case .giveUp: machine.giveUp()
        case .stands: machine.linkStands()
        case .refused: machine.attemptFailed(.refused)
        case .timedOut: machine.attemptFailed(.timedOut)
        case .unusable: machine.attemptFailed(.unusable)
        case .pauseOver: machine.pauseOver()
        case .broke: machine.linkBroke()
        case .serverStops: machine.serverStops()
        case .callbacksReturned: machine.callbacksReturned()
        case .goodbyeIsOut:
            {
                machine.goodbyeIsOut()
                return []
            }()
        case .goodbyeIsOver: machine.goodbyeIsOver()
        case .goodbyeTimedOut: machine.goodbyeTimedOut()
        case .loopStopped: machine.loopStopped()
        }
    }

    @Test("every change of the wire's table is shown once, in order", arguments: cases)
    func transitions(_ wanted: Case) {
        var machine = ClientStateMachine(attemptReconnect: wanted.reconnects)
        #expect(machine.state.rawValue == 9)
        var actions = machine.configured()
        #expect(
            actions == [.emit(.stateChange(ClientStateTransition(from: ClientState(rawValue: 9), to: .notConnected)))]
        )
        var states: [Int] = []
        var events: [ClientEvent] = []
        var answers: [Bool?] = []
        for input in wanted.inputs {
            guard let more = Self.feed(input, &machine) else {
                answers.append(nil)
                continue
            }
            actions = more
            for action in actions {
                switch action {
                case .emit(.stateChange(let change)):
                    #expect(change.from.rawValue == states.last ?? 8 && change.from != change.to)
                    states.append(change.to.rawValue)
                case .emit(let event): events.append(event)
                case .finishConnect(let answer), .finishDisconnect(let answer): answers.append(answer)
                default: break
                }
            }
        }
        #expect(states == wanted.states)
        #expect(events == wanted.events)
        #expect(answers == wanted.answers)
        #expect(machine.state.rawValue == states.last)
        // A client that is done has nothing left open.
        if machine.state.contains(.notConnected) { #expect(machine.outlet == .none) }
    }

    @Test("the negotiation comes first, and pauses count from the break")
    func orders() {
        var machine = ClientStateMachine(attemptReconnect: true)
        _ = machine.configured()
        #expect(machine.connect(as: "me")?.last == .open)
        #expect(machine.outlet == .queue)
        #expect(machine.linkStands().first == .introduce)
        #expect(machine.outlet == .link)
        for _ in 0..<2 {
            #expect(machine.linkBroke().last == .pause(before: 0))
            #expect(machine.outlet == .queue)
            #expect(machine.pauseOver() == [.open])
            #expect(machine.attemptFailed(.refused) == [.abort, .pause(before: 1)])
            #expect(machine.pauseOver() == [.open])
            #expect(machine.attemptFailed(.timedOut) == [.abort, .pause(before: 2)])
            #expect(machine.pauseOver() == [.open])
            #expect(machine.linkStands().first == .introduce)
        }
        #expect(machine.disconnect()?.last == .sayGoodbye)
        #expect(machine.outlet == .none)
    }

    @Test("whatever happens in whatever order, connect and disconnect are answered once each")
    func answers() {
        let all: [Input] = [
            .configured, .connect, .cancelConnect, .disconnect, .on, .off, .giveUp, .stands, .refused, .timedOut,
            .unusable, .pauseOver, .broke, .serverStops, .callbacksReturned, .goodbyeIsOut, .goodbyeIsOver,
            .goodbyeTimedOut,
        ]
        var random = SplitMix64(seed: 50)
        for _ in 0..<2_000 {
            var machine = ClientStateMachine(attemptReconnect: .random(using: &random))
            var open = (connect: 0, disconnect: 0)
            var state = machine.state
            for _ in 0..<40 {
                let input = all[Int.random(in: 0..<all.count, using: &random)]
                guard let actions = Self.feed(input, &machine) else { continue }
                if input == .connect { open.connect += 1 }
                if input == .disconnect { open.disconnect += 1 }
                for action in actions {
                    switch action {
                    case .finishConnect: open.connect -= 1
                    case .finishDisconnect: open.disconnect -= 1
                    case .emit(.stateChange(let change)):
                        #expect(change.from == state)
                        state = change.to
                    default: break
                    }
                }
                #expect(0...1 ~= open.connect && 0...1 ~= open.disconnect)
                #expect(machine.state == state)
                if state.contains(.notConnected) { #expect(open == (0, 0)) }
            }
            for action in machine.loopStopped() {
                if case .finishConnect = action { open.connect -= 1 }
                if case .finishDisconnect = action { open.disconnect -= 1 }
            }
            #expect(open == (0, 0))
        }
    }
}
