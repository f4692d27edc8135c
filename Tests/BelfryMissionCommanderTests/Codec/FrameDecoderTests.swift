// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import BelfryMissionCommander
import Testing

@Suite("MissionCommander frames, reading", .timeLimit(.minutes(3)))
struct FrameDecoderTests {
    private static let golden = GoldenFrame.all.map { SeenFrame.frame(subject: $0.subject, value: $0.body) }

    @Test("a stream of captured frames gives them in order, and leaves nothing behind")
    func stream() {
        let (seen, buffered) = decodeFrames(GoldenFrame.stream)
        #expect(seen == Self.golden)
        #expect(buffered == 0)
    }

    @Test("a stream cut in two at any byte gives the same")
    func everyCut() {
        for cut in 0...GoldenFrame.stream.count {
            #expect(decodeFrames(GoldenFrame.stream, cuts: [cut]).seen == Self.golden)
        }
    }

    @Test("a stream in pieces of any size gives the same, held or not", arguments: [1, 2, 3, 7, 63, 64, 65, 90, 128])
    func pieces(_ size: Int) {
        let cuts = Array(stride(from: size, to: GoldenFrame.stream.count, by: size))
        #expect(decodeFrames(GoldenFrame.stream, cuts: cuts).seen == Self.golden)
        #expect(decodeFrames(GoldenFrame.stream, cuts: cuts, holdEvery: 1).seen == Self.golden)
        #expect(decodeFrames(GoldenFrame.stream, cuts: cuts, holdEvery: 2).seen == Self.golden)
    }

    @Test(
        "what the original never writes but accepts is read",
        arguments: [
            (header(#"{"subject":"compact","length":2}"#, filledWith: 0x20), "compact"),
            (header(#"{"length":2,"subject":"Zürich 世界"}"#), "Zürich 世界"),
            (header(#"{"length": 2, "subject": "\u4e16\ud83d\ude00"}"#), "世😀"),
            (header(#"{"length": 2, "subject": "s", "more": [1, {}]}"#), "s"),
            (header(#"{"length": 9, "length": 2, "subject": "a", "subject": "b"}"#), "b"),
            (header(#" {"length": 2, "subject": ""}"#), ""),
            (header("{\"len\0gth\": \0\0 2, \"sub\0ject\": \"n\0u\0l\"}"), "nul"),
            (header(Array(repeating: 0, count: 30) + Array(#"{"length":2,"subject":"s"}"#.utf8)), "s"),
        ]
    )
    func accepted(_ head: [UInt8], _ subject: String) {
        let (seen, buffered) = decodeFrames(head + Array("{}".utf8))
        #expect(head.count == 64)
        #expect(seen == [.frame(subject: subject, value: "{}")])
        #expect(buffered == 0)
    }

    @Test(
        "a header that can't be read ends the decoder with the rule and the place",
        arguments: [
            (header("hello"), FrameFault(.notJSON(.unexpectedByte), at: 0)),
            (header(""), FrameFault(.notJSON(.unexpectedEnd), at: 0)),
            (header(#"{"length": 2, "subject": "s""#), FrameFault(.notJSON(.unexpectedEnd), at: 28)),
            (header(#"{"length": 2, "subject": "s"} x"#), FrameFault(.notJSON(.trailingBytes), at: 30)),
            (header("[1, 2]"), FrameFault(.notJSON(.unexpectedByte), at: 0)),
            (header(Array(#"{"length": 2, "subject": ""#.utf8) + [0xFF]), FrameFault(.notUTF8, at: 26)),
            (header(Array(#"{"length": 2, "subject": ""#.utf8) + [0xC3, 0, 0xA9]), FrameFault(.notUTF8, at: 26)),
            (header(#"{"subject": "s"}"#), FrameFault(.noLength, at: 16)),
            (header(#"{"length": 2}"#), FrameFault(.noSubject, at: 13)),
            (header(#"{"length": 2, "subject": 5}"#), FrameFault(.subjectNotString, at: 25)),
            (header(#"{"length": "2", "subject": "s"}"#), FrameFault(.lengthNotInteger, at: 11)),
            (header(#"{"length": true, "subject": "s"}"#), FrameFault(.lengthNotInteger, at: 11)),
            (header(#"{"length": 2.5, "subject": "s"}"#), FrameFault(.lengthNotInteger, at: 11)),
            (header(#"{"length": 2e0, "subject": "s"}"#), FrameFault(.lengthNotInteger, at: 11)),
            (header(#"{"length": -1, "subject": "s"}"#), FrameFault(.lengthNegative, at: 11)),
            (header(#"{"length": 16777217, "subject": "s"}"#), FrameFault(.lengthTooLarge, at: 11)),
            (
                header(#"{"length": 99999999999999999999999999, "subject": "s"}"#),
                FrameFault(.lengthTooLarge, at: 11)
            ),
            (
                header("{\0\0\"length\": 2, \0\"subject\": 5}"),
                FrameFault(.subjectNotString, at: 28)
            ),
        ]
    )
    func faults(_ head: [UInt8], _ fault: FrameFault) {
        let good = GoldenFrame.echo
        for cuts in [[], Array(1..<64)] {
            let seen = decodeFrames(good.bytes + head + good.bytes, cuts: cuts.map { $0 + good.bytes.count }).seen
            #expect(seen == [.frame(subject: good.subject, value: good.body), .unreadable(fault)])
        }
    }

    @Test("a length that lies takes the next frame apart, and ends in a fault, never in a trap")
    func lyingLength() {
        let short = header(#"{"length": 5, "subject": "s"}"#) + Array(#"{"message": 1}"#.utf8)
        let seen = decodeFrames(short + GoldenFrame.echo.bytes).seen
        #expect(seen.first == .malformed(subject: "s", .unexpectedEnd, offset: 5))
        #expect(seen.last?.rule == .notJSON(.unexpectedByte))
        let long = header(#"{"length": 10, "subject": "s"}"#) + Array("{}".utf8)
        let (waiting, buffered) = decodeFrames(long)
        #expect(waiting.isEmpty)
        #expect(buffered == 2)
    }

    @Test("a body that is no JSON is skipped and reported, and the stream goes on", arguments: ["", "{", "nope", "\0"])
    func badBody(_ body: String) {
        let seen = decodeFrames(frameBytes("bad", body) + GoldenFrame.echo.bytes, cuts: [64]).seen
        #expect(seen.count == 2)
        guard case .malformed("bad", _, _)? = seen.first else {
            Issue.record("not reported: \(seen)")
            return
        }
        #expect(seen.last == .frame(subject: "echo", value: GoldenFrame.echo.body))
    }

    @Test(
        "a body may be any JSON value, with blanks around it",
        arguments: ["null", " [1] ", "\"x\"", "1.5", "\n{}\t"]
    )
    func anyValue(_ body: String) {
        let value = body.trimmingPrefix { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()
        #expect(decodeFrames(frameBytes("s", body)).seen == [.frame(subject: "s", value: String(value))])
    }

    @Test("a body at the bound is read, one byte more ends the decoder before any of it has come")
    func bound() {
        let body = "\"" + String(repeating: "x", count: 98) + "\""
        #expect(decodeFrames(frameBytes("s", body), maxBodyBytes: 100).seen.count == 1)
        let seen = decodeFrames(Array(frameBytes("s", body).prefix(64)), maxBodyBytes: 99).seen
        #expect(seen.map(\.rule) == [.lengthTooLarge])
    }

    @Test("memory grows with what arrives, not with what a header promises, and is given up")
    func memory() {
        var decoder = FrameDecoder()
        var count = 0
        let handle: FrameDecoder.Handler = { _, _ in
            count += 1
            return .next
        }
        let head = header(#"{"length": 16777216, "subject": "s"}"#)
        decoder.decode(head.span, handle)
        #expect(decoder.bufferedBytes == 0)
        decoder.decode(head.span, handle)
        #expect(decoder.bufferedBytes == 64)
        #expect(count == 0)
        let whole = decodeFrames(GoldenFrame.stream + GoldenFrame.echo.bytes.prefix(70))
        #expect(whole.buffered == 6)
    }

    @Test("what comes while held is kept up to a bound")
    func heldBound() {
        var decoder = FrameDecoder(maxHeldBytes: 200)
        var seen: [SeenFrame] = []
        let handle: FrameDecoder.Handler = { part, bytes in
            seen.append(SeenFrame(part, bytes))
            return .hold
        }
        let frame = GoldenFrame.echo.bytes
        decoder.decode(frame.span, handle)
        decoder.decode(frame.span, handle)
        decoder.decode(frame.span, handle)
        #expect(seen.count == 1)
        #expect(decoder.bufferedBytes == 170)
        decoder.resume(handle)
        #expect(seen.count == 2)
        decoder.decode(frame.span, handle)
        decoder.decode(frame.span, handle)
        #expect(seen.last?.rule == .tooMuchHeld)
        #expect(decoder.hasEnded as Bool)
        #expect(decoder.bufferedBytes == 0)
    }

    @Test("after a stop nothing more is read")
    func stop() {
        var decoder = FrameDecoder()
        var count = 0
        let stream = GoldenFrame.stream
        for _ in 0..<2 {
            decoder.decode(stream.span) { _, _ in
                count += 1
                return .stop
            }
        }
        #expect(count == 1)
    }
}
