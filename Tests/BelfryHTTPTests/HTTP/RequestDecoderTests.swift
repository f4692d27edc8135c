// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP
import HTTPTypes
import Testing

@Suite("HTTP request decoder", .timeLimit(.minutes(3)))
struct RequestDecoderTests {
    static let streams: [(String, count: Int)] = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /b HTTP/1.1\r\nHost:a\r\n\r\n", 2),
        ("GET /a?b=c&d HTTP/1.1\r\nhOST: a.example:80\r\nX-Empty:\r\nX:  y \t\r\n\r\n", 1),
        ("GET http://A.example/x?y HTTP/1.1\r\nHost: a.example\r\n\r\n", 1),
        ("OPTIONS * HTTP/1.1\r\nHost: [::1]:8001\r\n\r\n", 1),
        ("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 2),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n", 2),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 2),
        (
            "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\nA;x=\"y\"\r\n0123456789\r\n"
                + "0\r\nX: y\r\nContent-Length: 7\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 2
        ),
        (
            "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            2
        ),
    ]

    @Test("well-formed streams give the same however they are cut", arguments: streams)
    func cuts(_ stream: (String, count: Int)) {
        let bytes = Array(stream.0.utf8)
        let whole = decodeRequests(bytes)
        #expect(whole.fault == nil && whole.requests.count == stream.count)
        #expect(whole.requests.allSatisfy { $0.isComplete })
        for cut in bytes.indices { #expect(decodeRequests(bytes, cuts: [cut]) == whole, "cut at \(cut)") }
        #expect(decodeRequests(bytes, cuts: Array(bytes.indices)) == whole)
        #expect(decodeRequests(bytes, cuts: Array(bytes.indices), holds: true) == whole)
        #expect(decodeRequests(bytes, holds: true) == whole)
    }

    @Test("malformed requests get their status however they are cut", arguments: MalformedRequest.all)
    func malformed(_ request: MalformedRequest) {
        // The router's: what the decoder has no opinion on.
        guard !request.name.hasPrefix("a path") else { return }
        let whole = decodeRequests(request.bytes + Array("GET /second HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        #expect(whole.fault?.status == request.status)
        #expect(!whole.requests.contains { $0.isComplete })
        // Where the size of pieces plays no part: a limit strikes when it is reached.
        let cuts = request.bytes.count < 1_000 ? Array(request.bytes.indices) : []
        for cut in cuts {
            #expect(decodeRequests(request.bytes, cuts: [cut]).fault == decodeRequests(request.bytes).fault)
        }
        let single = decodeRequests(request.bytes, cuts: Array(request.bytes.indices))
        #expect(single.fault == decodeRequests(request.bytes).fault)
        #expect(single.maxBuffered <= 33 * 1_024)
    }

    private func request(_ text: String) throws -> Request {
        var found: Request?
        var decoder = HTTPRequestDecoder()
        let bytes = Array(text.utf8)
        decoder.decode(bytes.span) { part, bytes in
            guard case .head(let layout) = part else { return .stop }
            var head: [UInt8] = []
            for index in bytes.indices { head.append(bytes[index]) }
            found = Request(head: head, layout: layout, peer: nil)
            return .next
        }
        return try #require(found)
    }

    @Test("a request tells its parts")
    func parts() throws {
        let request = try request(
            "POST /a%20b?c=d HTTP/1.1\r\nHost: x:1\r\nX-A: 1\r\nx-a:2\r\nCookie: a=b\r\nCookie: c=d\r\nX-E:\r\n\r\n"
        )
        #expect(request.method == .post)
        #expect(request.path == "/a%20b" && request.query == "c=d" && request.target == "/a%20b?c=d")
        #expect(request.authority == "x:1")
        let name = try #require(HTTPField.Name("X-A"))
        #expect(request[name] == "1, 2" && request.values(of: name) == ["1", "2"])
        #expect(request[.cookie] == "a=b; c=d")
        let empty = try #require(HTTPField.Name("X-E"))
        #expect(request[empty] == "" && request[.accept] == nil)
        #expect(request.httpRequest.path == "/a%20b?c=d" && request.httpRequest.headerFields.count == 6)
        #expect(request.httpRequest.headerFields[name] == "1, 2")
    }

    @Test(
        "what the head says about the connection is understood",
        arguments: [
            ("HTTP/1.1\r\nHost: a\r\n", true), ("HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", false),
            ("HTTP/1.1\r\nHost: a\r\nConnection: x,\tClose , y\r\n", false), ("HTTP/1.0\r\n", false),
            ("HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n", false),
            ("HTTP/1.0\r\nConnection: Keep-Alive\r\n", true),
            ("HTTP/1.0\r\nConnection: keep-alive, close\r\n", false),
            ("HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n", true),
        ]
    )
    func keepAlive(_ head: String, _ keepsAlive: Bool) throws {
        let request = try request("GET / \(head)\r\n")
        #expect(request.layout.keepsAlive == keepsAlive)
    }

    @Test("an upgrade takes both of its fields, and HTTP/1.1")
    func upgrade() throws {
        let both = try request("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Upgrade\r\nUpgrade: y\r\n\r\n")
        #expect(both.layout.asksUpgrade)
        for head in [
            "HTTP/1.1\r\nHost: a\r\nUpgrade: y", "HTTP/1.1\r\nHost: a\r\nConnection: upgrade",
            "HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: y",
        ] {
            let other = try request("GET / \(head)\r\n\r\n")
            #expect(!other.layout.asksUpgrade, "\(head)")
        }
    }

    @Test("released bytes are handed over untouched")
    func release() {
        let head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        let bytes = Array("\(head)\u{1}not HTTP\n".utf8)
        for cut in 0..<bytes.count {
            let seen = decodeRequests(bytes, cuts: [cut], releases: true)
            let expected = cut < head.utf8.count ? bytes[head.utf8.count...] : bytes[head.utf8.count..<max(cut, 27)]
            #expect(seen.requests.count == 1 && seen.fault == nil)
            #expect(seen.rest == Array(expected), "cut at \(cut)")
        }
    }

    @Test("where a line breaks two rules, the verdict is the same however it came")
    func verdicts() {
        var limits = HTTPRequestDecoder.Limits()
        limits.maxHeadBytes = 60
        for length in 1..<100 {
            let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: length))\n".utf8)
            let whole = decodeRequests(bytes, limits: limits)
            #expect(whole.fault == (bytes.count <= 61 ? .lineEnd : .fieldsTooLarge))
            #expect(decodeRequests(bytes, cuts: Array(bytes.indices), limits: limits) == whole)
        }
    }

    @Test("what piles up while the decoder is held is bounded")
    func held() {
        var limits = HTTPRequestDecoder.Limits()
        limits.maxHeldBytes = 100
        var decoder = HTTPRequestDecoder(limits: limits)
        var faults: [HTTPFault] = []
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        for _ in 0..<10 {
            decoder.decode(bytes.span) { part, _ in
                if case .fault(let fault) = part { faults.append(fault) }
                return .hold
            }
        }
        #expect(faults == [.heldTooLong])
        #expect(decoder.bufferedBytes == 0)
    }

    @Test("between two requests a decoder owns nothing")
    func memory() {
        var decoder = HTTPRequestDecoder()
        let bytes = Array("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".utf8)
        for index in bytes.indices { decoder.decode(bytes.span.extracting(index..<(index + 1))) { _, _ in .next } }
        #expect(decoder.isBetweenRequests && decoder.bufferedBytes == 0)
    }
}
