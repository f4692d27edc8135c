// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryMissionCommander
import Testing

@Suite("MissionCommander frames, random input", .timeLimit(.minutes(3)))
struct FrameFuzzTests {
    /// Bytes with a meaning, so that mutations hit the grammar.
    private static let alphabet =
        Array("{}[]\":,\\u0123456789-.e \n\u{1}\0slengthatown".utf8) + [0x80, 0xC3, 0xA9, 0xFF]

    /// What a client that resumes gets.
    private static let marked = [
        frame(.room(at: 17), "echo"), frame(.own(at: nil), "resume"), frame(.own(at: 3), "gap"),
        frame(.room(at: .max), String(repeating: "s", count: 36)),
    ]

    private static func frame(_ mark: FrameHeader.Mark, _ subject: String) -> [UInt8] {
        var bytes: [UInt8] = []
        try? FrameEncoder.append(subject: subject, body: Array("{}".utf8).span, mark: mark, to: &bytes)
        return bytes
    }

    private static func mutated(_ random: inout SplitMix64) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            bytes += (GoldenFrame.all.map(\.bytes) + marked).randomElement(using: &random) ?? []
        }
        for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            let byte = alphabet.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1: bytes[index] = byte
            case 2: bytes.insert(byte, at: index)
            case 3: bytes.remove(at: index)
            default: bytes[index] = UInt8.random(in: 0...255, using: &random)
            }
        }
        return bytes
    }

    @Test("mutated streams give the same however they are cut and held, and never trap", arguments: 0..<8)
    func mutations(_ seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        for _ in 0..<400 {
            let bytes = Self.mutated(&random)
            let limit = Int.random(in: 20...100, using: &random)
            let whole = decodeFrames(bytes, maxBodyBytes: limit)
            let cuts = Array(Set((0..<6).map { _ in Int.random(in: 0...bytes.count, using: &random) })).sorted()
            #expect(decodeFrames(bytes, cuts: cuts, maxBodyBytes: limit).seen == whole.seen)
            #expect(decodeFrames(bytes, cuts: cuts, maxBodyBytes: limit, holdEvery: 2).seen == whole.seen)
            let single = decodeFrames(bytes, cuts: Array(0..<bytes.count), maxBodyBytes: limit)
            #expect(single.seen == whole.seen)
            #expect(single.buffered == whole.buffered)
        }
    }

    @Test("any subject that is written is read back, or was refused", arguments: 0..<4)
    func subjects(_ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let alphabet = Array("abc\"\\\n\u{1}\u{7F}é世😀\0 ")
        for _ in 0..<2_000 {
            let count = Int.random(in: 0...45, using: &random)
            let subject = String((0..<count).map { _ in alphabet.randomElement(using: &random) ?? "a" })
            guard let bytes = try? FrameEncoder.frame(subject: subject, payload: .json("{}")) else {
                #expect(subject.utf8.count > 6)
                continue
            }
            #expect(bytes.count == 66)
            #expect(decodeFrames(bytes).seen == [.frame(subject: subject, value: "{}")])
            // With an offset it is read back as well, in its header or right before it.
            let offset = UInt64.random(in: 0...UInt64.max, using: &random) >> UInt64.random(in: 0..<64, using: &random)
            let marked = decodeFrames(Self.frame(.room(at: offset), subject)).seen
            let own = SeenFrame.marked(.own(at: offset), subject: "at", value: "{}")
            #expect(
                marked == [.marked(.room(at: offset), subject: subject, value: "{}")]
                    || marked == [own, .frame(subject: subject, value: "{}")]
            )
        }
    }
}
