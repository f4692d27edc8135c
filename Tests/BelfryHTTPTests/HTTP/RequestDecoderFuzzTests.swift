// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP
import BelfryIO
import Testing

@Suite("HTTP request decoder, random input", .timeLimit(.minutes(3)))
struct RequestDecoderFuzzTests {
    /// Bytes with a meaning, so that mutations hit the grammar.
    private static let alphabet = Array("\r\n :;,/?*019aF\tGH".utf8) + [0, 0x7F, 0x80, 0xFF]

    private static func mutated(_ random: inout SplitMix64) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            if Bool.random(using: &random) {
                bytes += Array((RequestDecoderTests.streams.randomElement(using: &random)?.0 ?? "").utf8)
            } else {
                bytes += MalformedRequest.all.randomElement(using: &random)?.bytes.prefix(300) ?? []
            }
        }
        for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            let byte = alphabet.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[index] = byte
            case 1: bytes.insert(byte, at: index)
            case 2: bytes.remove(at: index)
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
        for _ in 0..<300 {
            let bytes = Self.mutated(&random)
            let whole = decodeRequests(bytes)
            let cuts = Array(Set((0..<6).map { _ in Int.random(in: 0...bytes.count, using: &random) })).sorted()
            let isSame = [
                decodeRequests(bytes, cuts: cuts), decodeRequests(bytes, cuts: cuts, holds: true),
                decodeRequests(bytes, cuts: Array(bytes.indices)),
            ].allSatisfy { $0 == whole }
            #expect(isSame, "\(String(decoding: bytes.prefix(400), as: UTF8.self).debugDescription)")
        }
    }
}
