// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP
import BelfryIO
import Testing

@Suite("WebSocket frames in", .timeLimit(.minutes(3)))
struct WebSocketDecoderTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let stream: [UInt8]
        let seen: [SeenEvent]
        var role = WebSocketRole.server
        var maxMessageBytes = 1 << 20
        var maxFrameBytes: Int?

        init(
            _ name: String,
            _ frames: Frames,
            _ seen: [SeenEvent],
            maxMessageBytes: Int = 1 << 20,
            maxFrameBytes: Int? = nil
        ) {
            testDescription = name
            stream = frames.bytes
            role = frames.role
            self.seen = seen
            self.maxMessageBytes = maxMessageBytes
            self.maxFrameBytes = maxFrameBytes
        }
    }

    static let good: [Case] = [
        Case("a text", Frames().adding(.text, "héllo ☃ 𝄞"), [.text("héllo ☃ 𝄞")]),
        Case("empty messages", Frames().adding(.text, "").adding(.binary, []), [.text(""), .binary([])]),
        Case(
            "the example of RFC 6455, 5.7",
            Frames().adding(raw: [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]),
            [.text("Hello")]
        ),
        Case("a server's text", Frames(.client).adding(.text, "hi"), [.text("hi")]),
        Case(
            "lengths of 16 and 64 bits",
            Frames().adding(.binary, [UInt8](repeating: 7, count: 126)).adding(
                .binary,
                [UInt8](repeating: 8, count: 65_536)
            ),
            [.binary([UInt8](repeating: 7, count: 126)), .binary([UInt8](repeating: 8, count: 65_536))]
        ),
        Case(
            "fragments with control frames between them",
            Frames().adding(.text, "a☃".utf8.dropLast(1) + [], final: false).adding(.ping, "?")
                .adding(.continuation, [], final: false).adding(.pong, "!").adding(.continuation, [0x83]),
            [.ping([0x3F]), .pong([0x21]), .text("a☃")]
        ),
        Case(
            "a server's fragments",
            Frames(.client).adding(.binary, [1], final: false).adding(.continuation, [2]),
            [.binary([1, 2])]
        ),
        Case("a close without code", Frames().adding(.close, []), [.close(nil, "")]),
        Case(
            "a close ends the stream",
            Frames().adding(.close, [0x03, 0xE8] + Array("bye ☃".utf8)).adding(.text, "late"),
            [.close(1000, "bye ☃")]
        ),
        Case(
            "a message as long as allowed",
            Frames().adding(.binary, [1, 2]).adding(.text, "ab"),
            [.binary([1, 2]), .text("ab")],
            maxMessageBytes: 2
        ),
    ]

    static let bad: [Case] = [
        Case("a reserved bit", Frames().adding(.text, [1], bits: 0x20), [.failed(1002)]),
        Case("compression that was not agreed on", Frames().adding(.text, [1], compressed: true), [.failed(1002)]),
        Case("an unknown opcode", Frames().adding(raw: [0x83, 0x80, 0, 0, 0, 0]), [.failed(1002)]),
        Case("an unknown control opcode", Frames().adding(raw: [0x8B, 0x80, 0, 0, 0, 0]), [.failed(1002)]),
        Case("a client's frame without a mask", Frames().adding(raw: [0x81, 0x01, 0x61]), [.failed(1002)]),
        Case(
            "a server's frame with a mask",
            Frames(.client).adding(raw: [0x81, 0x81, 0, 0, 0, 0, 0x61]),
            [.failed(1002)]
        ),
        Case("a length of 16 bits that fits 7", Frames(.client).adding(raw: [0x81, 126, 0, 125]), [.failed(1002)]),
        Case(
            "a length of 64 bits that fits 16",
            Frames(.client).adding(raw: [0x81, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]),
            [.failed(1002)]
        ),
        Case(
            "a negative length",
            Frames(.client).adding(raw: [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            [.failed(1002)]
        ),
        Case(
            "a length of all there is",
            Frames(.client).adding(raw: [0x82, 127, 0x7F] + [UInt8](repeating: 0xFF, count: 7)),
            [.failed(1009)]
        ),
        Case("a fragmented ping", Frames().adding(.ping, "x", final: false), [.failed(1002)]),
        Case("a long ping", Frames().adding(.ping, [UInt8](repeating: 1, count: 126)), [.failed(1002)]),
        Case("a continuation of nothing", Frames().adding(.continuation, "x"), [.failed(1002)]),
        Case(
            "a message within a message",
            Frames().adding(.text, "x", final: false).adding(.text, "y"),
            [.failed(1002)]
        ),
        Case("a close of one byte", Frames().adding(.close, [3]), [.failed(1002)]),
        Case("a reason that is not UTF-8", Frames().adding(.close, [0x03, 0xE8, 0xFF]), [.failed(1007)]),
        Case("a text that is not UTF-8", Frames().adding(.text, [0x61, 0xFF]), [.failed(1007)]),
        Case("a text that ends within a scalar", Frames().adding(.text, [0x61, 0xC3]), [.failed(1007)]),
        Case("a server's text that is not UTF-8", Frames(.client).adding(.text, [0xC0, 0x80]), [.failed(1007)]),
        Case(
            "wrong UTF-8 in a fragment, before the message ends",
            Frames().adding(.text, [0xF0, 0x9D], final: false).adding(.continuation, [0x41], final: false),
            [.failed(1007)]
        ),
        Case(
            "a frame longer than allowed",
            Frames().adding(.binary, [UInt8](repeating: 1, count: 126), final: false),
            [.failed(1009)],
            maxFrameBytes: 125
        ),
        Case(
            "a message longer than allowed",
            Frames().adding(.binary, [UInt8](repeating: 1, count: 100), final: false).adding(
                .continuation,
                [UInt8](repeating: 1, count: 51)
            ),
            [.failed(1009)],
            maxMessageBytes: 150
        ),
    ]

    @Test("what follows the rules is read", arguments: good)
    func follows(_ example: Case) {
        #expect(decode(example.stream, example.role, maxMessageBytes: example.maxMessageBytes) == example.seen)
    }

    @Test("what breaks a rule ends the stream with its code", arguments: bad)
    func breaks(_ example: Case) {
        let seen = decode(
            example.stream + Frames(example.role).adding(.text, "late").bytes,
            example.role,
            maxMessageBytes: example.maxMessageBytes,
            maxFrameBytes: example.maxFrameBytes
        )
        #expect(seen == example.seen)
    }

    @Test("a stream reads the same wherever it is cut", arguments: good + bad)
    func cuts(_ example: Case) {
        let stream = example.stream
        for cut in stride(from: 0, through: stream.count, by: max(1, stream.count / 300)) {
            let seen = decode(
                stream,
                example.role,
                cuts: [cut],
                maxMessageBytes: example.maxMessageBytes,
                maxFrameBytes: example.maxFrameBytes
            )
            #expect(seen == example.seen, "cut at \(cut)")
        }
        guard stream.count < 5_000 else { return }
        let seen = decode(
            stream,
            example.role,
            cuts: Array(0..<stream.count),
            maxMessageBytes: example.maxMessageBytes,
            maxFrameBytes: example.maxFrameBytes
        )
        #expect(seen == example.seen)
    }

    @Test("exactly the close codes that may be sent are taken")
    func closeCodes() {
        let good = Set(1000...1003).union(1007...1014).union(3000...4999)
        for code in [0, 1, 999] + Array(1000...5001) + [65_535] {
            let stream = Frames().adding(.close, [UInt8(code >> 8), UInt8(code & 0xFF)]).bytes
            #expect(decode(stream) == [good.contains(code) ? .close(UInt16(code), "") : .failed(1002)], "\(code)")
        }
    }

    @Test("a wrong byte of a text is noticed before its frame is complete")
    func failsFast() {
        let stream = Frames().adding(.text, [0x61, 0xC3, 0x28, 0x61, 0x61]).bytes
        #expect(decode(Array(stream.prefix(8))).isEmpty)
        #expect(decode(Array(stream.prefix(9))) == [.failed(1007)])
    }

    @Test("every scalar, and no other sequence of up to four bytes at its edges, is UTF-8")
    func scalars() {
        let heads: [UInt8] = [
            0x7F, 0x80, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5,
            0xFF,
        ]
        let rest: [UInt8] = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
        for head in heads {
            for second in rest {
                for third in rest {
                    let bytes = [head, second, third, 0x80]
                    let isValid = String(validating: bytes, as: UTF8.self) != nil
                    let seen = decode(Frames().adding(.text, bytes).bytes)
                    #expect((seen != [.failed(1007)]) == isValid, "\(bytes)")
                }
            }
        }
    }

    @Test("a decoder between messages holds no memory")
    func memory() {
        var decoder = WebSocketDecoder(.server)
        var scratch: [UInt8] = []
        let stream = Frames().adding(.text, "abc", final: false).adding(.continuation, "def").bytes
        var messages = 0
        for byte in stream {
            let piece = [byte]
            decoder.decode(piece.span, scratch: &scratch) { _, _ in messages += 1 }
        }
        #expect(messages == 1)
        #expect(decoder.bufferedBytes == 0 && !decoder.isWithinMessage)
    }

    @Test("random frames read the same however they are cut, and never trap", arguments: 0..<8)
    func fuzz(_ seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        for round in 0..<300 {
            let role: WebSocketRole = round % 2 == 0 ? .server : .client
            let deflate = round % 3 == 0 ? DeflateParameters() : nil
            var stream = Self.frames(&random, role)
            for _ in 0..<Int.random(in: 0...3, using: &random) where !stream.isEmpty {
                stream[Int.random(in: 0..<stream.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let whole = decode(stream, role, maxMessageBytes: 400, deflate: deflate)
            let cuts = Set((0..<6).map { _ in Int.random(in: 0...stream.count, using: &random) }).sorted()
            #expect(decode(stream, role, cuts: cuts, maxMessageBytes: 400, deflate: deflate) == whole)
            let every = Array(0..<stream.count)
            #expect(decode(stream, role, cuts: every, maxMessageBytes: 400, deflate: deflate) == whole)
        }
    }

    private static func frames(_ random: inout SplitMix64, _ role: WebSocketRole) -> [UInt8] {
        let opcodes: [WebSocketOpcode] = [.text, .binary, .continuation, .ping, .pong, .close]
        var frames = Frames(role)
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let opcode = opcodes.randomElement(using: &random) ?? .text
            let length = Int.random(in: 0...(opcode == .binary ? 300 : 60), using: &random)
            let payload = (0..<length).map { _ in UInt8.random(in: 0x20...0x7E, using: &random) }
            let final = Int.random(in: 0..<3, using: &random) > 0
            let isClose = opcode == .close && length >= 2
            let bytes = isClose ? [0x03, 0xE8] + payload.dropFirst(2) : payload
            frames = frames.adding(opcode, bytes, final: final, compressed: Int.random(in: 0..<8, using: &random) == 0)
        }
        return frames.bytes
    }
}
