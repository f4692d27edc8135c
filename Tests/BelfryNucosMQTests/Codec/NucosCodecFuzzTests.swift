// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryNucosMQ
import Testing

@Suite("nucosMQ codec, random input", .timeLimit(.minutes(3)))
struct NucosCodecFuzzTests {
    /// Bytes with a meaning, so that mutations hit the grammar.
    private static let alphabet = Array("{}[]\":,\\u_EOM0-.e \n\u{1}tfn".utf8) + [0x80, 0xC3, 0xA9, 0xF0, 0xFF]

    private static func mutated(_ random: inout SplitMix64) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let message = Array((Golden.messages.randomElement(using: &random)?.bytes ?? "").utf8)
            // Often the same once more: then it is compared, not read.
            for _ in 0..<Int.random(in: 1...3, using: &random) { bytes += message }
        }
        for _ in 0..<Int.random(in: 0...5, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            let byte = alphabet.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[index] = byte
            case 1: bytes.insert(byte, at: index)
            case 2: bytes.remove(at: index)
            case 3: bytes[index] = UInt8.random(in: 0...255, using: &random)
            default:
                let end = Int.random(in: index...min(bytes.count, index + 30), using: &random)
                bytes.insert(contentsOf: Array(bytes[index..<end]), at: index)
            }
        }
        return bytes
    }

    @Test("mutated streams give the same however they are cut, and never trap", arguments: 0..<8)
    func mutations(_ seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        for _ in 0..<400 {
            let bytes = Self.mutated(&random)
            let limit = Int.random(in: 30...200, using: &random)
            let whole = decode(bytes, maxFrameBytes: limit)
            var cuts = Array(Set((0..<6).map { _ in Int.random(in: 0...bytes.count, using: &random) })).sorted()
            #expect(decode(bytes, cuts: cuts, maxFrameBytes: limit).seen == whole.seen)
            #expect(decode(bytes, cuts: cuts, maxFrameBytes: limit, holdEvery: 2).seen == whole.seen)
            cuts = Array(0..<bytes.count)
            let single = decode(bytes, cuts: cuts, maxFrameBytes: limit)
            #expect(single.seen == whole.seen)
            #expect(single.buffered == whole.buffered)
        }
    }

    @Test("a machine takes any mutated message in any state without trapping")
    func machines() {
        var random = SplitMix64(seed: 99)
        for _ in 0..<500 {
            var machine = NucosConnectionMachine(authenticates: Bool.random(using: &random))
            _ = machine.accepted()
            var decoder = NucosDecoder()
            var closes = 0
            let bytes = Self.mutated(&random)
            decoder.decode(bytes.span) { part, bytes in
                guard case .frame(let frame) = part else { return .next }
                if case .close = machine.frame(frame, bytes) { closes += 1 }
                if machine.awaitsApplication {
                    _ = machine.challengeReady(Array("1".utf8))
                    if case .close = machine.verified(Bool.random(using: &random)) { closes += 1 }
                }
                return .next
            }
            if case .close = machine.peerClosed() { closes += 1 }
            #expect(closes == 1)
            #expect(machine.peerClosed() == .ignore)
        }
    }
}
