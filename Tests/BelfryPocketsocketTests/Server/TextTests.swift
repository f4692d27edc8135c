// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryJSON
import Testing

@testable import BelfryPocketsocket

@Suite("What a server reads and writes", .timeLimit(.minutes(3)))
struct TextTests {
    @Test(
        "times are written as Python does",
        arguments: [
            (1_000_000_000, "T1"), (1_000_000_999, "T1"), (1_000_001_000, "T1.000001"), (1_539_484_000, "T1.539484"),
            (2_999_999_999, "T2.999999"),
        ]
    )
    func times(_ nanoseconds: Int64, _ text: String) {
        var clock = LocalClock()
        #expect(String(decoding: clock.text(at: nanoseconds) { "T\($0)" }, as: UTF8.self) == text)
    }

    @Test("a clock that goes on, and back, says each moment")
    func clock() {
        var clock = LocalClock()
        var asked = 0
        let moments: [Int64] = [5, 1_000_000_005_000, 1_000_000_005_000, 1_000_000_006_000, 2_000_000_000, 0]
        let texts = moments.map { moment in
            String(
                decoding: clock.text(at: moment) { second in
                    asked += 1
                    return "\(second)"
                },
                as: UTF8.self
            )
        }
        #expect(texts == ["0", "1000.000005", "1000.000005", "1000.000006", "2", "0"])
        #expect(asked == 4)
    }

    @Test(
        "channel and event stand before and behind the first dot",
        arguments: [
            ("a.b", "a", "b"), ("a", "a", ""), ("a.", "a", ""), (".b", "", "b"), ("a.b.c.d", "a", "b"), ("", "", ""),
            ("Art can be very abstract.", "Art can be very abstract", ""),
            ("a.\u{301}b.c", "a", "\u{301}b"),
        ]
    )
    func split(_ message: String, _ channel: String, _ event: String) {
        #expect(ClientMessage.split(message) == (channel, event))
    }

    @Test("a text like the last one is read as if it were the first")
    func shape() {
        var generator = SplitMix64(seed: 11)
        let values = [
            "1", "\"0.5abc\"", "null", "{\"id\":2}", "[1,2]", "\"é\"", "\"\\u00e9\"", "", "x", "1 ", " 1", "\"", "{",
            "1,2",
        ]
        let around = [
            #"{"id":#,"message":"a.b","data":#}"#, #"{"data":#,"message":"a.b","id":#}"#,
            #"{"message":"a.b","id":#,"data":#}"#, #"{"id":#,"data":#,"message":"a.b"}"#,
            #" { "id" : # , "data" : # } "#, #"{"id":3,"id":#,"data":#,"socket":1}"#, #"{"id":#,"data":#,"data":7}"#,
            #"{"id":#,"data":#"#, #"{"id":#,"datum":#}"#, #"{"id":#,"data":#,}"#, "#", "{\"id\":#\"data\":#}",
        ]
        var alike = 0
        for _ in 0..<2_000 {
            var shape = ClientMessageShape()
            let template = around.randomElement(using: &generator) ?? ""
            for _ in 0..<12 {
                // Mostly the same again, now and then another one.
                let other = Int.random(in: 0..<8, using: &generator) == 0
                let parts = ((other ? around.randomElement(using: &generator) : template) ?? "").split(
                    separator: "#",
                    omittingEmptySubsequences: false
                )
                var text = ""
                for (index, part) in parts.enumerated() {
                    if index > 0 { text += values.randomElement(using: &generator) ?? "" }
                    text += part
                }
                let bytes = Array(text.utf8)
                let wanted = ClientMessage(bytes.span)
                #expect(shape.message(of: bytes.span) == wanted, "\(text)")
                if wanted.id != nil, wanted.data != nil { alike += 1 }
            }
        }
        #expect(alike > 2_000)
    }

    @Test("whatever comes, a receipt is one JSON object")
    func fuzz() throws {
        var generator = SplitMix64(seed: 7)
        let start = ServerText.receiptStart(at: Array("T".utf8))
        let pieces = [
            "{", "}", "\"id\"", ":", ",", "\"\\u00e9\"", "1e5", "[", "]", "null", "\"message\"", "\"a.b\"",
            "\"socket\"", "é",
            "\"", "\\", " ", "\u{1}", "\"data\"", "-0", "true",
        ]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<12, using: &generator)
            var text = (0..<count).compactMap { _ in pieces.randomElement(using: &generator) }.joined()
            if Bool.random(using: &generator) { text = "{\"id\":" + text + "}" }
            let bytes = Array(text.utf8)
            let message = ClientMessage(bytes.span)
            var receipt: [UInt8] = []
            var envelope = ReceiptEnvelope()
            ServerText.appendReceipt(for: message, in: bytes.span, start: start, noting: &envelope, to: &receipt)
            envelope.moment = 5
            if let id = message.id {
                var again: [UInt8] = []
                let fits = envelope.append(bytes.span.extracting(id), at: 5, to: &again)
                #expect(fits == bytes[id].allSatisfy { $0 < 0x80 })
                if fits { #expect(again == receipt) }
                #expect(!envelope.append(bytes.span.extracting(id), at: 6, to: &again))
            }
            receipt.removeFirst(WebSocketEncoder.headerBytes(receipt.count - 2))
            #expect(throws: Never.self) { try JSONScanner.validate(receipt.span) }
            #expect(receipt.allSatisfy { $0 < 0x80 })
        }
    }
}
