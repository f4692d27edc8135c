// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryIRC
import Testing

@Suite("IRC codec, random input", .timeLimit(.minutes(3)))
struct IRCFuzzTests {
    private static let alphabet = Array("@:; =\\\r\n\0ab#1,!\u{1}\u{3}".utf8) + [0xC3, 0xA9, 0xF0, 0xFF, 0xCC, 0x81]

    private static func mutated(_ random: inout SplitMix64) -> [UInt8] {
        var bytes = IRCDecoderTests.stream
        for _ in 0..<Int.random(in: 0...12, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[index] = alphabet.randomElement(using: &random) ?? 0
            case 1: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: index)
            case 2: bytes.remove(at: index)
            default: bytes.removeSubrange(index..<min(bytes.count, index + 30))
            }
        }
        return bytes
    }

    @Test("mutated streams give the same however they are cut, and what is read can be written", arguments: 0..<8)
    func mutations(_ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        for _ in 0..<100 {
            let bytes = Self.mutated(&random)
            let (line, tags) = (Int.random(in: 3...80, using: &random), Int.random(in: 0...80, using: &random))
            let whole = decode(bytes, maxLineBytes: line, maxTagsBytes: tags)
            let cuts = (0..<6).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            for cuts in [cuts, Array(0..<bytes.count)] {
                let other = decode(bytes, cuts: cuts, maxLineBytes: line, maxTagsBytes: tags)
                #expect(other.parts == whole.parts)
                #expect(other.buffered == whole.buffered)
            }
            for case .message(let message) in decode(bytes).parts {
                // What was invalid UTF-8 may have grown past the line's length, and tags may have odd names.
                guard let again = try? message.encoded() else { continue }
                #expect(decode(again).parts == [.message(message)])
            }
        }
    }

    @Test("no text at all, sent as a parameter, makes more than one message", arguments: 0..<8)
    func injection(_ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        for _ in 0..<200 {
            let count = Int.random(in: 0...700, using: &random)
            let bytes = (0..<count).map { _ in Self.alphabet.randomElement(using: &random) ?? 0 }
            let text = String(decoding: bytes, as: UTF8.self)
            let limit = Int.random(in: 0...400, using: &random)
            for line in IRCText.lines(of: text, maxBytes: limit) {
                #expect(line.utf8.count <= max(4, limit))
                let message = IRCMessage("PRIVMSG", ["#a", line])
                #expect(decode(try message.encoded()).parts == [.message(message)])
            }
            if let encoded = try? IRCMessage("PRIVMSG", ["#a", text]).encoded() {
                #expect(encoded.count { $0 == UInt8(ascii: "\n") } == 1)
            }
            #expect(IRCText.plain(IRCText.plain(text)).unicodeScalars.allSatisfy { $0 != "\u{3}" && $0 != "\u{1}" })
        }
    }
}
