// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryZlib
import Testing

@testable import BelfryHTTP

@Suite("WebSocket compression", .timeLimit(.minutes(3)))
struct DeflateTests {
    private static func options(_ change: (inout WebSocketDeflate) -> Void = { _ in }) -> WebSocketDeflate {
        var options = WebSocketDeflate()
        options.minBytes = 0
        options.serverContextTakeover = true
        options.clientContextTakeover = true
        change(&options)
        return options
    }

    @Test("the examples of RFC 7692, 7.2.3, are read")
    func examples() {
        let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        let again: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00]
        let stored: [UInt8] = [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00]
        let last: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00]
        let two: [UInt8] = [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00]
        for (messages, name) in [
            ([hello], "one block"), ([hello, again], "with context"), ([stored], "not compressed"),
            ([last], "a last block"), ([last, again], "context behind a last block"), ([two], "two blocks"),
        ] {
            var frames = Frames()
            for message in messages { frames = frames.adding(.text, message, compressed: true) }
            let wanted = [SeenEvent](repeating: .text("Hello"), count: messages.count)
            #expect(decode(frames.bytes, deflate: DeflateParameters()) == wanted, "\(name)")
            #expect(decode(frames.bytes, cuts: Array(0..<frames.bytes.count), deflate: DeflateParameters()) == wanted)
        }
        let cut = Frames().adding(.text, Array(hello.prefix(3)), final: false, compressed: true)
            .adding(.ping, "").adding(.continuation, Array(hello.dropFirst(3)))
        #expect(decode(cut.bytes, deflate: DeflateParameters()) == [.ping([]), .text("Hello")])
    }

    @Test("what is written is read, with every window and either way of keeping context", arguments: 9...15)
    func roundTrip(_ bits: Int) {
        var random = SplitMix64(seed: UInt64(bits))
        for keeps in [true, false] {
            var parameters = DeflateParameters()
            parameters.serverMaxWindowBits = bits
            parameters.serverNoContextTakeover = !keeps
            var deflater = MessageDeflater(parameters, .server, Self.options())
            var frames = Frames(.client)
            var wanted: [SeenEvent] = []
            for length in [0, 1, 5, 100, 5_000, 70_000, 100] {
                let payload = (0..<length).map { _ in UInt8.random(in: 0x61...0x66, using: &random) }
                wanted.append(.binary(payload))
                let compressed = deflater.deflate(payload.span)
                frames = frames.adding(.binary, compressed ?? payload, compressed: compressed != nil)
            }
            #expect(frames.bytes.count < 50_000)
            #expect(decode(frames.bytes, .client, deflate: parameters) == wanted)
        }
    }

    @Test("a small message that becomes a large one ends the connection, and not the memory")
    func bomb() {
        guard var deflater = Deflater() else {
            Issue.record("zlib has no memory")
            return
        }
        var bomb: [UInt8] = []
        let zeros = [UInt8](repeating: 0, count: 8 << 20)
        #expect(deflater.deflate(zeros.span, into: &bomb))
        #expect(bomb.count < 10_000)
        let stream = Frames().adding(.binary, bomb, compressed: true).bytes
        #expect(decode(stream, maxMessageBytes: 1 << 20, deflate: DeflateParameters()) == [.failed(1009)])
        #expect(decode(stream, cuts: Array(0..<stream.count), deflate: DeflateParameters()) == [.failed(1009)])
        guard var inflater = Inflater() else {
            Issue.record("zlib has no memory")
            return
        }
        var output: [UInt8] = []
        #expect(inflater.inflate(bomb.span, into: &output, maxBytes: 100_000) == .tooLarge)
        #expect(output.count <= 100_000 + 16 * 1024)
    }

    @Test("what is no DEFLATE, or no UTF-8 behind it, is refused")
    func corrupt() {
        let stream = Frames().adding(.text, [0xFF, 0xFF, 0xFF], compressed: true).bytes
        #expect(decode(stream, deflate: DeflateParameters()) == [.failed(1007)])
        let text: [UInt8] = [0x61, 0xFF, 0x61]
        guard var deflater = Deflater() else {
            Issue.record("zlib has no memory")
            return
        }
        var bytes: [UInt8] = []
        #expect(deflater.deflate(text.span, into: &bytes))
        #expect(
            decode(Frames().adding(.text, bytes, compressed: true).bytes, deflate: DeflateParameters()) == [
                .failed(1007)
            ]
        )
        #expect(
            decode(Frames().adding(.continuation, bytes, compressed: true).bytes, deflate: DeflateParameters())
                == [.failed(1002)]
        )
    }

    @Test(
        "a message for everybody is compressed alone, and read with and without context",
        arguments: [1, 60, 500, 9_000, 200_000]
    )
    func alone(_ count: Int) {
        let payload = Array(repeatElement(Array("belfry rings ".utf8), count: count / 13 + 1).joined().prefix(count))
        guard let compressed = MessageDeflater.deflate(payload.span, maxWindowBits: 15, level: 3) else {
            #expect(count < 60)
            return
        }
        let stream = Frames(.client).adding(.binary, compressed, compressed: true)
            .adding(.binary, compressed, compressed: true).bytes
        #expect(decode(stream, .client, deflate: DeflateParameters()) == [.binary(payload), .binary(payload)])
        #expect(
            decode(stream, .client, deflate: .alone)
                == [.binary(payload), .binary(payload)]
        )
    }

    struct Offer: Sendable, CustomTestStringConvertible {
        let offer: String
        let answer: String?
        var options = DeflateTests.options()
        var testDescription: String { offer }
    }

    static let offers: [Offer] = [
        Offer(offer: "permessage-deflate", answer: "permessage-deflate"),
        Offer(offer: "x, permessage-deflate; client_max_window_bits", answer: "permessage-deflate"),
        Offer(
            offer: "PerMessage-Deflate; client_max_window_bits=10",
            answer: "permessage-deflate; client_max_window_bits=10"
        ),
        Offer(
            offer: "permessage-deflate; server_max_window_bits=\"10\"",
            answer: "permessage-deflate; server_max_window_bits=10"
        ),
        Offer(
            offer: "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            answer: "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        ),
        Offer(
            offer: "permessage-deflate; client_max_window_bits",
            answer:
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; client_max_window_bits=11",
            options: options {
                $0.serverContextTakeover = false
                $0.clientContextTakeover = false
                $0.serverMaxWindowBits = 12
                $0.clientMaxWindowBits = 11
            }
        ),
        Offer(
            offer: "permessage-deflate; server_max_window_bits=8, permessage-deflate",
            answer: "permessage-deflate"
        ),
        Offer(offer: "permessage-deflate; server_max_window_bits", answer: nil),
        Offer(offer: "permessage-deflate; server_max_window_bits=16", answer: nil),
        Offer(offer: "permessage-deflate; server_max_window_bits=010", answer: nil),
        Offer(offer: "permessage-deflate; client_max_window_bits=7", answer: nil),
        Offer(offer: "permessage-deflate; client_max_window_bits=", answer: nil),
        Offer(offer: "permessage-deflate; server_no_context_takeover=1", answer: nil),
        Offer(offer: "permessage-deflate; server_no_context_takeover; server_no_context_takeover", answer: nil),
        Offer(offer: "permessage-deflate; unknown", answer: nil),
        Offer(offer: "permessage-bzip2", answer: nil),
        Offer(offer: "", answer: nil),
    ]

    @Test("a server answers an offer within it, or not at all", arguments: offers)
    func negotiate(_ offer: Offer) {
        #expect(DeflateParameters.accept(offer.offer, offer.options)?.answer == offer.answer)
    }

    @Test("a client takes the answers that its offer allows, and no others")
    func answers() {
        func answer(_ text: String, _ options: WebSocketDeflate) -> DeflateParameters? {
            WebSocketExtension.parse(text).first.flatMap { DeflateParameters(answer: $0.parameters, to: options) }
        }
        let plain = Self.options()
        #expect(DeflateParameters.offer(plain) == "permessage-deflate; client_max_window_bits")
        #expect(answer("permessage-deflate", plain) == DeflateParameters())
        #expect(answer("permessage-deflate; client_max_window_bits=9", plain)?.clientMaxWindowBits == 9)
        #expect(answer("permessage-deflate; server_max_window_bits=9", plain)?.serverMaxWindowBits == 9)
        #expect(answer("permessage-deflate; client_max_window_bits", plain) == nil)
        #expect(answer("permessage-deflate; client_max_window_bits=16", plain) == nil)
        #expect(answer("permessage-deflate; nonsense", plain) == nil)
        let strict = Self.options {
            $0.serverContextTakeover = false
            $0.serverMaxWindowBits = 10
        }
        #expect(answer("permessage-deflate", strict) == nil)
        #expect(answer("permessage-deflate; server_no_context_takeover", strict) == nil)
        #expect(answer("permessage-deflate; server_no_context_takeover; server_max_window_bits=11", strict) == nil)
        #expect(answer("permessage-deflate; server_no_context_takeover; server_max_window_bits=10", strict) != nil)
    }
}

extension DeflateParameters {
    fileprivate static var alone: DeflateParameters {
        var parameters = DeflateParameters()
        parameters.serverNoContextTakeover = true
        return parameters
    }
}
