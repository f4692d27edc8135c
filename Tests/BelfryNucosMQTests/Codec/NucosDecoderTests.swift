// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import BelfryNucosMQ
import Testing

@Suite("NucosDecoder", .timeLimit(.minutes(3)))
struct NucosDecoderTests {
    private static let whole = decode(Golden.stream).seen

    @Test("a stream gives all its messages in order, and leaves nothing behind")
    func stream() {
        let (seen, buffered) = decode(Golden.stream)
        #expect(
            seen == Golden.messages.map { .frame($0.bytes, event: $0.event, content: $0.content, room: $0.room) }
        )
        #expect(buffered == 0)
    }

    @Test("a stream cut in two at any byte gives the same")
    func everyCut() {
        for cut in 0...Golden.stream.count {
            let (seen, buffered) = decode(Golden.stream, cuts: [cut])
            #expect(seen == Self.whole)
            #expect(buffered == 0)
        }
    }

    @Test("a stream in pieces of any size gives the same", arguments: [1, 2, 3, 4, 5, 6, 7, 8, 9, 43, 1024])
    func pieces(_ size: Int) {
        let cuts = Array(stride(from: size, to: Golden.stream.count, by: size))
        #expect(decode(Golden.stream, cuts: cuts).seen == Self.whole)
        #expect(decode(Golden.stream, cuts: cuts, holdEvery: 1).seen == Self.whole)
        #expect(decode(Golden.stream, cuts: cuts, holdEvery: 3).seen == Self.whole)
    }

    @Test("an _EOM_ written openly cuts the text there, and the rest goes on")
    func openTerminator() {
        let good = Golden.messages[1]
        let seen = decode(#"{"data": {"event": "eom", "content": "x_EOM_y"}}_EOM_"# + good.bytes)
        #expect(seen.map(\.rule) == [.json(.unexpectedEnd), .json(.unexpectedByte), nil])
        #expect(decode("_EOM_EOM_").map(\.rule) == [.json(.unexpectedEnd)])
        #expect(decode("__EOM__EOM_").map(\.rule) == [.json(.unexpectedByte), .json(.unexpectedEnd)])
    }

    @Test(
        "texts that look like the terminator do not cut",
        arguments: ["_EOM", "-EOM_", "_EO_EOM", "_eom_", "_E_O_M_"]
    )
    func nearTerminators(_ text: String) {
        for padding in 0..<17 {
            let content = String(repeating: "_", count: padding) + text
            let message = #"{"data":{"event":"e","content":"\#(content)"}}_EOM_"#
            #expect(decode(message) == [.frame(message, event: "e", content: "\"\(content)\"")])
        }
    }

    @Test("only an unfinished end is kept, and given up when it is finished")
    func memory() {
        var decoder = NucosDecoder()
        let message = Array(Golden.messages[2].bytes.utf8)
        var count = 0
        let handle: NucosDecoder.Handler = { _, _ in
            count += 1
            return .next
        }
        decoder.feed(message + message, handle)
        #expect(decoder.bufferedBytes == 0)
        decoder.feed(message + message.prefix(20), handle)
        #expect(decoder.bufferedBytes == 20)
        decoder.feed(message.dropFirst(20), handle)
        #expect(decoder.bufferedBytes == 0)
        #expect(count == 4)
    }

    @Test("a message at the bound is read, one byte more ends the decoder, however it arrives")
    func bound() {
        let good = Array(Golden.messages[2].bytes.utf8)
        let cutsOfOne = Array(1..<good.count)
        for cuts in [[], [good.count - 1], [good.count - 5], [10, 20], cutsOfOne] {
            #expect(decode(good, cuts: cuts, maxFrameBytes: good.count).seen.map(\.rule) == [nil])
            let (seen, buffered) = decode(good + good, cuts: cuts, maxFrameBytes: good.count - 1)
            #expect(seen == [.tooLong])
            #expect(buffered == 0)
        }
    }

    @Test("an endless message ends the decoder at the bound, with no more memory than that")
    func endless() {
        var decoder = NucosDecoder(maxFrameBytes: 1000)
        let piece = Array(repeating: UInt8(ascii: "_"), count: 64)
        var seen: [Seen] = []
        var most = 0
        for _ in 0..<100 {
            decoder.decode(piece.span) { part, bytes in
                seen.append(Seen(part, bytes))
                return .next
            }
            most = max(most, decoder.bufferedBytes)
        }
        #expect(seen == [.tooLong])
        #expect(decoder.hasEnded as Bool)
        #expect(most < 1000)
        #expect(decoder.bufferedBytes == 0)
    }

    @Test("messages before one that is too long are read")
    func beforeTooLong() {
        let short = Array(Golden.messages[0].bytes.utf8)
        let long = Array(Golden.messages[9].bytes.utf8)
        let seen = decode(short + long + short, maxFrameBytes: 60).seen
        #expect(seen.count == 2)
        #expect(seen.last == .tooLong)
    }

    @Test("after stop nothing more is read", arguments: [[], [30], [60, 61], [53]])
    func stop(_ cuts: [Int]) {
        var decoder = NucosDecoder()
        var count = 0
        var start = 0
        for cut in cuts + [Golden.stream.count] {
            decoder.feed(Golden.stream[start..<cut]) { _, _ in
                count += 1
                return .stop
            }
            start = cut
        }
        #expect(count == 1)
        #expect(decoder.hasEnded as Bool)
        #expect(decoder.bufferedBytes == 0)
    }

    @Test("while held, what arrives waits; resume goes on in order")
    func hold() {
        var decoder = NucosDecoder()
        var seen: [Seen] = []
        let holding: NucosDecoder.Handler = { part, bytes in
            seen.append(Seen(part, bytes))
            return .hold
        }
        let half = Golden.stream.count / 2
        decoder.resume(holding)
        #expect(seen.isEmpty)
        decoder.feed(Golden.stream[0..<half], holding)
        #expect(seen.count == 1)
        #expect(decoder.isHeld as Bool)
        decoder.feed(Golden.stream[half..<Golden.stream.count], holding)
        #expect(seen.count == 1)
        #expect(decoder.bufferedBytes == Golden.stream.count - Golden.messages[0].length)
        while decoder.isHeld { decoder.resume(holding) }
        #expect(seen == Self.whole)
        #expect(decoder.bufferedBytes == 0)
    }

    @Test("more than the bound while held ends the decoder")
    func holdBound() {
        var decoder = NucosDecoder(maxHeldBytes: 100)
        var seen: [Seen] = []
        let holding: NucosDecoder.Handler = { part, bytes in
            seen.append(Seen(part, bytes))
            return .hold
        }
        let message = Array(Golden.messages[0].bytes.utf8)
        for _ in 0..<3 { decoder.decode(message.span, holding) }
        #expect(seen.count == 1)
        #expect(decoder.bufferedBytes == 86)
        decoder.decode(message.span, holding)
        #expect(seen.last == .tooLong)
        #expect(decoder.hasEnded as Bool)
        #expect(decoder.bufferedBytes == 0)
        decoder.resume(holding)
        #expect(seen.count == 2)
    }

    @Test("a long message in pieces of one byte is read")
    func tinyPieces() {
        let text = String(repeating: "_EO_EOM-", count: 30_000)
        let message = Array(#"{"data": {"event": "e", "content": "\#(text)"}}_EOM_"#.utf8)
        let (seen, buffered) = decode(message, cuts: Array(1..<message.count))
        #expect(seen.map(\.rule) == [nil])
        #expect(buffered == 0)
    }
}
