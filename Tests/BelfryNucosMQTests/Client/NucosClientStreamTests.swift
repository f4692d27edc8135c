// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryNucosMQ
import Testing

@Suite("NucosClientMachine, however the stream is cut and whatever it holds", .timeLimit(.minutes(3)))
struct NucosClientStreamTests {
    /// What a client does with a stream from the server, signing at once, in words.
    private static func steps(of bytes: [UInt8], cuts: [Int], uid: String = "anna") -> (steps: [String], closes: Int) {
        var machine = NucosClientMachine(uid: uid, canSign: true)
        var decoder = NucosDecoder(maxFrameBytes: 4_096)
        var steps: [String] = []
        var closes = 0
        func note(_ action: NucosClientAction) {
            steps.append("\(action)")
            if case .close = action { closes += 1 }
            if case .sign(let challenge) = action { note(machine.signed(challenge)) }
        }
        note(machine.connected())
        var start = 0
        for cut in cuts + [bytes.count] {
            machine.received()
            decoder.decode(bytes.span.extracting(start..<cut)) { part, bytes in
                guard case .frame(let frame) = part else {
                    steps.append("skipped")
                    return .next
                }
                note(machine.frame(frame, bytes))
                return .next
            }
            start = cut
        }
        note(machine.peerClosed())
        note(machine.peerClosed())
        return (steps, closes)
    }

    /// What a server says in one connection, from the handshake to the end.
    private static let conversation = [
        #"{"data": {"event": "start_auth", "content": ""}}_EOM_"#,
        #"{"data": {"event": "challenge_auth", "content": {"nonce": "n-1"}}}_EOM_"#,
        #"{"data": {"event": "auth_final", "content": "success"}}_EOM_"#,
        #"{"data": {"event": "ping", "content": ""}}_EOM_"#,
        #"{"data": {"event": "today", "content": "sunny", "room": "weather"}}_EOM_"#,
        #"no message_EOM_"#,
        #"{"data": {"event": "eom", "content": "x\u005fEOM_y"}}_EOM_"#,
        #"{"data": {"event": "pong", "content": ""}}_EOM_"#,
        #"{"data": {"event": "shutdown", "content": "now"}}_EOM_"#,
    ].joined()

    @Test("a conversation is the same in one piece, cut at any byte, and byte by byte")
    func splits() {
        let bytes = Array(Self.conversation.utf8)
        let whole = Self.steps(of: bytes, cuts: [])
        let names = whole.steps.map { String($0.prefix { $0 != "(" }) }
        #expect(
            names == [
                "ignore", "send", "sign", "send", "opened", "send", "message", "skipped", "message", "pong", "close",
                "ignore", "ignore",
            ]
        )
        for cut in bytes.indices {
            let split = Self.steps(of: bytes, cuts: [cut])
            #expect(split.steps == whole.steps, "cut at \(cut)")
        }
        #expect(Self.steps(of: bytes, cuts: Array(bytes.indices)).steps == whole.steps)
    }

    @Test("random conversations, mutated and cut, never trap and close exactly once", arguments: 0..<8)
    func fuzz(_ seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let alphabet = Array("{}[]\":,\\u_EOM0-.e \n\u{1}tfn".utf8) + [0x80, 0xC3, 0xA9, 0xF0, 0xFF]
        for _ in 0..<300 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes += Array((Golden.messages.randomElement(using: &random)?.bytes ?? "").utf8)
            }
            for _ in 0..<Int.random(in: 0...5, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = alphabet.randomElement(using: &random) ?? 0
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
                }
            }
            let uid = Bool.random(using: &random) ? "anna" : ""
            let whole = Self.steps(of: bytes, cuts: [], uid: uid)
            #expect(whole.closes == 1)
            let cuts = Set((0..<6).map { _ in Int.random(in: 0...bytes.count, using: &random) }).sorted()
            #expect(Self.steps(of: bytes, cuts: cuts, uid: uid).steps == whole.steps)
        }
    }

    @Test("inputs in any order leave a machine in one of its states, and it closes once", arguments: 0..<8)
    func disorder(_ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed + 100))
        for _ in 0..<300 {
            var machine = NucosClientMachine(
                uid: Bool.random(using: &random) ? "anna" : "",
                canSign: Bool.random(using: &random)
            )
            var closes = 0
            for _ in 0..<30 {
                let action: NucosClientAction
                switch Int.random(in: 0..<12, using: &random) {
                case 0: action = machine.connected()
                case 1: action = machine.signed(Bool.random(using: &random) ? Array("1".utf8) : nil)
                case 2 where Int.random(in: 0..<10, using: &random) == 0: action = machine.closes()
                case 3:
                    action = machine.timedOut(
                        [.hold, .step, .idle, .pong, .close].randomElement(using: &random) ?? .hold
                    )
                case 4:
                    machine.received()
                    continue
                case 5 where Int.random(in: 0..<10, using: &random) == 0: action = machine.peerClosed()
                default:
                    let bytes = Array((Golden.messages.randomElement(using: &random)?.bytes ?? "").utf8)
                    action = machine.frame(try NucosFrame.parse(bytes.span), bytes.span)
                }
                if case .close = action { closes += 1 }
                #expect(!(machine.isOpen && !machine.isConnected) as Bool)
                #expect(!(machine.isAuthenticated && !machine.isOpen) as Bool)
            }
            if case .close = machine.peerClosed() { closes += 1 }
            #expect(closes == 1)
        }
    }
}
