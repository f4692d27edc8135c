// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP
import BelfryIO
import HTTPTypes
import Testing

@Suite("HTTP response decoder", .timeLimit(.minutes(3)))
struct ResponseDecoderTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var stream: String
        var result: String
        var isToHead = false
        var ends = false

        var testDescription: String { "\(stream.prefix(60).debugDescription) → \(result)" }

        init(_ stream: String, _ result: String, isToHead: Bool = false, ends: Bool = false) {
            self.stream = stream
            self.result = result
            self.isToHead = isToHead
            self.ends = ends
        }
    }

    static let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"

    static let sound: [Case] = [
        Case("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", #"200 "hello""#),
        Case("HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", #"200 """#),
        Case("HTTP/1.0 404 Not  found\t\r\nContent-Length: 2\r\n\r\nno", #"404 "no""#),
        Case("HTTP/1.1 204 No Content\r\n\r\n", #"204 """#),
        Case("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", #"304 """#),
        Case("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", #"200 """#, isToHead: true),
        Case("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", #"200 """#, isToHead: true),
        Case(chunked + "5\r\nhello\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nX: y\r\n\r\n", #"200 "hello0123456789""#),
        Case(chunked + "0\r\n\r\n", #"200 """#),
        Case("HTTP/1.1 200 OK\r\n\r\nto the end", #"200 "to the end""#, ends: true),
        Case("HTTP/1.1 200 OK\r\n\r\n", #"200 """#, ends: true),
        Case(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\n"
                + "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!",
            #"200 "!""#
        ),
    ]

    static let malformed: [Case] = [
        Case("HTTP/2.0 200 OK\r\n\r\n", "malformed status line"),
        Case("HTTP/1.2 200 OK\r\n\r\n", "malformed status line"),
        Case("HTTP/1.1 20 OK\r\n\r\n", "malformed status line"),
        Case("HTTP/1.1 2000 OK\r\n\r\n", "malformed status line"),
        Case("HTTP/1.1 099 OK\r\n\r\n", "malformed status line"),
        Case("HTTP/1.1 600 OK\r\n\r\n", "malformed status line"),
        Case("HTTP/1.1  200 OK\r\n\r\n", "malformed status line"),
        Case("HTTP/1.1 200 O\u{1}K\r\n\r\n", "malformed status line"),
        Case("\r\nHTTP/1.1 200 OK\r\n\r\n", "malformed status line"),
        Case("SSH-2.0-OpenSSH\r\n", "malformed status line"),
        Case("HTTP/1.1 200 OK\n\n", "a line ends without CR LF"),
        Case("HTTP/1.1 101 Switching Protocols\r\n\r\n", "another protocol, without being asked"),
        Case("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "a field is continued on a second line"),
        Case("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "malformed field name"),
        Case("HTTP/1.1 200 OK\r\nA: b\u{0}\r\n\r\n", "a field value has a control character"),
        Case("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n", "malformed or repeated Content-Length"),
        Case("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", "malformed or repeated Content-Length"),
        Case(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            "malformed or repeated Content-Length"
        ),
        Case("HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999999\r\n\r\n", "content too large"),
        Case(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "Content-Length beside Transfer-Encoding"
        ),
        Case("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "malformed Transfer-Encoding"),
        Case("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "transfer coding not supported"),
        Case(chunked + "x\r\n", #"200 ""…, malformed chunk"#),
        Case(chunked + "5 \r\nhello\r\n", #"200 ""…, malformed chunk"#),
        Case(chunked + "1\r\nhello\r\n", #"200 "h"…, malformed chunk"#),
        Case(chunked + "FFFFFFFFFFFFFFFF\r\n", #"200 ""…, malformed chunk"#),
        Case(chunked + "FFFFFFFFFFFFFFF\r\n", #"200 ""…, content too large"#),
        Case(chunked + "0\r\nno field\r\n\r\n", #"200 ""…, malformed field name"#),
        Case(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
            #"200 "hell"…, the connection ended within the response"#,
            ends: true
        ),
        Case(chunked + "5\r\nhello\r\n", #"200 "hello"…, the connection ended within the response"#, ends: true),
        Case("HTTP/1.1 200 OK\r\nContent-Le", "the connection ended within the response", ends: true),
        Case("", "the connection ended within the response", ends: true),
        Case("HTTP/1.1 204 No Content\r\n\r\n!", #"204 "", bytes that nobody asked for"#),
        Case(
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!HTTP/1.1 200 OK\r\n\r\n",
            #"200 "!", bytes that nobody asked for"#
        ),
        Case(String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 17), "too many interim responses"),
    ]

    @Test("responses give the same however they are cut", arguments: sound + malformed)
    func cuts(_ example: Case) {
        let bytes = Array(example.stream.utf8)
        func decode(_ cuts: [Int]) -> SeenResponses {
            decodeResponse(bytes, isToHead: example.isToHead, cuts: cuts, ends: example.ends)
        }
        let whole = decode([])
        #expect(whole.summary == example.result)
        for cut in bytes.indices { #expect(decode([cut]) == whole, "cut at \(cut)") }
        #expect(decode(Array(bytes.indices)) == whole)
    }

    @Test("fields, and whether the connection may be used again")
    func head() throws {
        func head(_ fields: String, version: String = "1.1") throws -> HTTPResponseHead {
            let stream = "HTTP/\(version) 200 OK\r\nContent-Length: 0\r\n\(fields)\r\n"
            return try #require(decodeResponse(Array(stream.utf8)).responses.first).head
        }
        let found = try head("Set-Cookie: a=b; Path=/\r\nX:  y \t\r\nset-cookie: c=d\r\n")
        #expect(found.fields[values: .setCookie] == ["a=b; Path=/", "c=d"])
        #expect(found.fields[try #require(HTTPField.Name("x"))] == "y")
        #expect(found.framing == .length(0) && found.keepsAlive && found.minorVersion == 1)
        #expect(try !head("Connection: x, Close\r\n").keepsAlive)
        #expect(try !head("", version: "1.0").keepsAlive)
        #expect(try head("Connection: Keep-Alive\r\n", version: "1.0").keepsAlive)
        #expect(decodeResponse(Array("HTTP/1.1 200 OK\r\n\r\n".utf8)).responses.first?.head.keepsAlive == false)
    }

    @Test("every bound strikes where it stands, however the bytes come")
    func bounds() {
        var limits = HTTPResponseDecoder.Limits()
        limits.maxStatusLineBytes = 20
        limits.maxHeadBytes = 60
        limits.maxFields = 2
        limits.maxBodyBytes = 8
        limits.maxChunkExtensionBytes = 6
        limits.maxInterim = 1
        let start = "HTTP/1.1 200 OK\r\n"
        let chunks = start + "Transfer-Encoding: chunked\r\n\r\n"
        let cases: [(String, HTTPResponseFault?)] = [
            ("HTTP/1.1 200 12345678\r\n", .statusLineTooLong),
            ("HTTP/1.1 200 1234567\r\n", nil),
            (start + "A: " + String(repeating: "x", count: 60), .message(.fieldsTooLarge)),
            (start + "A: b\r\nA: b\r\nA: b\r\n", .message(.tooManyFields)),
            (start + "Content-Length: 9\r\n\r\n", .message(.bodyTooLarge)),
            (start + "Content-Length: 8\r\n\r\n12345678", nil),
            (start + "\r\n123456789", .message(.bodyTooLarge)),
            (chunks + "5\r\n12345\r\n4\r\n", .message(.bodyTooLarge)),
            (chunks + "1;abc\r\n1\r\n1;abc\r\n", .message(.chunk)),
            (chunks + "0\r\nA: b\r\nA: b\r\nA: b\r\n", .message(.tooManyFields)),
            (chunks + "0\r\nA: " + String(repeating: "x", count: 60), .message(.fieldsTooLarge)),
            ("HTTP/1.1 100 \r\n\r\nHTTP/1.1 100 \r\n\r\n", .tooManyInterim),
        ]
        for (stream, fault) in cases {
            let bytes = Array(stream.utf8)
            for cuts in [[], Array(bytes.indices)] {
                let seen = decodeResponse(bytes, cuts: cuts, limits: limits)
                #expect(seen.fault == fault, "\(stream.debugDescription)")
                #expect(seen.maxBuffered <= 62)
            }
        }
    }

    @Test("mutated responses give the same however they are cut, and never trap", arguments: 0..<8)
    func mutations(_ seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let alphabet = Array("\r\n :;,/?*019aF\tHT".utf8) + [0, 0x7F, 0x80, 0xFF]
        for _ in 0..<300 {
            let example = (Self.sound + Self.malformed).randomElement(using: &random) ?? Self.sound[0]
            var bytes = Array(example.stream.utf8)
            for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = alphabet.randomElement(using: &random) ?? 0
                case 1: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: index)
                case 2: bytes.remove(at: index)
                default:
                    let end = Int.random(in: index...min(bytes.count, index + 30), using: &random)
                    bytes.insert(contentsOf: Array(bytes[index..<end]), at: index)
                }
            }
            let isToHead = Bool.random(using: &random)
            let ends = Bool.random(using: &random)
            let whole = decodeResponse(bytes, isToHead: isToHead, ends: ends)
            let cuts = Array(Set((0..<6).map { _ in Int.random(in: 0...bytes.count, using: &random) })).sorted()
            let isSame = [cuts, Array(bytes.indices)].allSatisfy {
                decodeResponse(bytes, isToHead: isToHead, cuts: $0, ends: ends) == whole
            }
            #expect(isSame, "\(String(decoding: bytes.prefix(400), as: UTF8.self).debugDescription)")
        }
    }
}
