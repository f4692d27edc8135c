// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

/// A request that must not reach a handler, and how it is answered.
struct MalformedRequest: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let status: Int

    init(_ name: String, _ text: String, _ status: Int = 400) {
        self.name = name
        bytes = Array(text.utf8)
        self.status = status
    }

    init(_ name: String, bytes: [UInt8], _ status: Int = 400) {
        self.name = name
        self.bytes = bytes
        self.status = status
    }

    var testDescription: String { name }

    private static let host = "Host: a\r\n"

    /// Behind each there is a second request, which must not be answered either.
    static let all: [MalformedRequest] = requestLines + targets + fields + hosts + lengths + codings + chunks + limits

    private static let requestLines: [MalformedRequest] = [
        .init("a bare LF ends the request line", "GET / HTTP/1.1\n\(host)\r\n"),
        .init("a bare LF ends a field", "GET / HTTP/1.1\r\nHost: a\n\r\n"),
        .init("a bare LF ends the head", "GET / HTTP/1.1\r\n\(host)\n"),
        .init("a bare CR in the request line", "GET /\rx HTTP/1.1\r\n\(host)\r\n"),
        .init("a bare CR as the line's end", "GET / HTTP/1.1\rHost: a\r\r\nX: y\r\n\r\n"),
        .init("a lone LF before the request", "\nGET / HTTP/1.1\r\n\(host)\r\n"),
        .init("two empty lines before the request", "\r\n\r\nGET / HTTP/1.1\r\n\(host)\r\n"),
        .init("no version", "GET /\r\n\(host)\r\n"),
        .init("HTTP/0.9", "GET / HTTP/0.9\r\n\(host)\r\n", 505),
        .init("HTTP/1.2", "GET / HTTP/1.2\r\n\(host)\r\n", 505),
        .init("HTTP/2.0", "GET / HTTP/2.0\r\n\(host)\r\n", 505),
        .init("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        .init("a version in lower case", "GET / http/1.1\r\n\(host)\r\n"),
        .init("a version with three digits", "GET / HTTP/1.10\r\n\(host)\r\n"),
        .init("a version without a dot", "GET / HTTP/1,1\r\n\(host)\r\n"),
        .init("another protocol's version", "GET / HTTQ/1.1\r\n\(host)\r\n"),
        .init("two blanks before the target", "GET  / HTTP/1.1\r\n\(host)\r\n"),
        .init("two blanks before the version", "GET /  HTTP/1.1\r\n\(host)\r\n"),
        .init("a blank behind the version", "GET / HTTP/1.1 \r\n\(host)\r\n"),
        .init("a tab for a blank", "GET\t/ HTTP/1.1\r\n\(host)\r\n"),
        .init("a blank before the method", " GET / HTTP/1.1\r\n\(host)\r\n"),
        .init("no method", "/ HTTP/1.1 HTTP/1.1\r\n\(host)\r\n"),
        .init("a method that is no token", "G(T / HTTP/1.1\r\n\(host)\r\n"),
        .init("a method with a NUL", "G\0T / HTTP/1.1\r\n\(host)\r\n"),
        .init("no target", "GET HTTP/1.1\r\n\(host)\r\n"),
        .init("a TLS greeting", bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03, 0x0D, 0x0A]),
    ]

    private static let targets: [MalformedRequest] = [
        .init("a blank in the target", "GET /a b HTTP/1.1\r\n\(host)\r\n"),
        .init("a fragment in the target", "GET /a#b HTTP/1.1\r\n\(host)\r\n"),
        .init("a target that is not ASCII", "GET /ä HTTP/1.1\r\n\(host)\r\n"),
        .init("a NUL in the target", "GET /\0 HTTP/1.1\r\n\(host)\r\n"),
        .init("a target without a slash", "GET a HTTP/1.1\r\n\(host)\r\n"),
        .init("an authority for GET", "GET a:80 HTTP/1.1\r\n\(host)\r\n"),
        .init("CONNECT", "CONNECT a:80 HTTP/1.1\r\n\(host)\r\n", 501),
        .init("an asterisk for GET", "GET * HTTP/1.1\r\n\(host)\r\n"),
        .init("another scheme", "GET ftp://a/ HTTP/1.1\r\n\(host)\r\n"),
        .init("an absolute target without a host", "GET http:///x HTTP/1.1\r\n\(host)\r\n"),
        .init("an absolute target for another host", "GET http://b/ HTTP/1.1\r\n\(host)\r\n"),
        .init("an absolute target for another port", "GET http://a:81/ HTTP/1.1\r\n\(host)\r\n"),
        .init("a target with user information", "GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        .init("a path that climbs", "GET /../etc/passwd HTTP/1.1\r\n\(host)\r\n"),
        .init("a path that climbs, escaped", "GET /a/%2E%2e/b HTTP/1.1\r\n\(host)\r\n"),
        .init("a path with an escaped NUL", "GET /a%00 HTTP/1.1\r\n\(host)\r\n"),
        .init("a path with a broken escape", "GET /a%2 HTTP/1.1\r\n\(host)\r\n"),
    ]

    private static let fields: [MalformedRequest] = [
        .init("a folded field", "GET / HTTP/1.1\r\n\(host)X: a\r\n b\r\n\r\n"),
        .init("a folded field, with a tab", "GET / HTTP/1.1\r\n\(host)X: a\r\n\tb\r\n\r\n"),
        .init("a blank before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        .init("a blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
        .init("a tab before the colon", "GET / HTTP/1.1\r\n\(host)Content-Length\t: 5\r\n\r\nhello"),
        .init("no colon", "GET / HTTP/1.1\r\n\(host)X\r\n\r\n"),
        .init("no name", "GET / HTTP/1.1\r\n\(host): x\r\n\r\n"),
        .init("a name that is no token", "GET / HTTP/1.1\r\n\(host)X[]: x\r\n\r\n"),
        .init("a name with a NUL", "GET / HTTP/1.1\r\n\(host)X\0: x\r\n\r\n"),
        .init("a name that is not ASCII", "GET / HTTP/1.1\r\n\(host)Ä: x\r\n\r\n"),
        .init("a value with a NUL", "GET / HTTP/1.1\r\n\(host)X: a\0b\r\n\r\n"),
        .init("a value with a bare CR", "GET / HTTP/1.1\r\n\(host)X: a\rContent-Length: 5\r\n\r\n"),
        .init("a value with a control character", "GET / HTTP/1.1\r\n\(host)X: 12345678\u{1}\r\n\r\n"),
        .init("a value with DEL", "GET / HTTP/1.1\r\n\(host)X: \u{7F}\r\n\r\n"),
        .init("an unknown expectation", "PUT / HTTP/1.1\r\n\(host)Expect: tea\r\nContent-Length: 1\r\n\r\nx", 417),
    ]

    private static let hosts: [MalformedRequest] = [
        .init("no Host", "GET / HTTP/1.1\r\n\r\n"),
        .init("two Hosts", "GET / HTTP/1.1\r\n\(host)\(host)\r\n"),
        .init("two Hosts that differ", "GET / HTTP/1.1\r\n\(host)Host: b\r\n\r\n"),
        .init("two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\n\(host)Host: b\r\n\r\n"),
        .init("an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        .init("a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        .init("a Host with a blank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        .init("a Host with user information", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        .init("a Host with a bad port", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
        .init("a Host with an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    ]

    private static func post(_ fields: String, _ body: String = "") -> String {
        "POST / HTTP/1.1\r\n\(host)\(fields)\r\n\(body)"
    }

    private static let lengths: [MalformedRequest] = [
        .init("two lengths that differ", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")),
        .init("two lengths that agree", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")),
        .init("a list of lengths", post("Content-Length: 5, 5\r\n", "hello")),
        .init("a length with a sign", post("Content-Length: +5\r\n", "hello")),
        .init("a negative length", post("Content-Length: -5\r\n", "hello")),
        .init("a hexadecimal length", post("Content-Length: 0x5\r\n", "hello")),
        .init("a length with a blank inside", post("Content-Length: 5 0\r\n", "hello")),
        .init("an empty length", post("Content-Length:\r\n", "hello")),
        .init("a length in quotes", post("Content-Length: \"5\"\r\n", "hello")),
        .init("a length beyond all integers", post("Content-Length: 99999999999999999999999\r\n"), 413),
        .init("a length that wraps to 5", post("Content-Length: 18446744073709551621\r\n", "hello"), 413),
    ]

    private static let chunked = "Transfer-Encoding: chunked\r\n"

    private static let codings: [MalformedRequest] = [
        .init("length, then coding", post("Content-Length: 5\r\n\(chunked)", "0\r\n\r\n")),
        .init("coding, then length", post("\(chunked)Content-Length: 5\r\n", "0\r\n\r\n")),
        .init("coding twice", post("\(chunked)\(chunked)", "0\r\n\r\n")),
        .init("coding twice in one line", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")),
        .init("an unknown coding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")),
        .init("no coding", post("Transfer-Encoding:\r\n", "0\r\n\r\n")),
        .init("identity", post("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", "hello")),
        .init("chunked is not last", post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n")),
        .init("a coding that is not served", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501),
        .init("chunked in quotes", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")),
        .init("chunked with a parameter", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n")),
        .init("chunked behind a vertical tab", post("Transfer-Encoding: \u{B}chunked\r\n", "0\r\n\r\n")),
        .init("a blank before the coding's colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")),
        .init("a folded coding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")),
        .init("a coding in HTTP/1.0", "POST / HTTP/1.0\r\n\(host)\(chunked)\r\n0\r\n\r\n"),
    ]

    private static let chunks: [MalformedRequest] = [
        .init("a chunk's size is empty", post(chunked, "\r\n\r\n")),
        .init("a chunk's size is no number", post(chunked, "g\r\nhello\r\n0\r\n\r\n")),
        .init("a chunk's size has a sign", post(chunked, "+5\r\nhello\r\n0\r\n\r\n")),
        .init("a chunk's size has a prefix", post(chunked, "0x5\r\nhello\r\n0\r\n\r\n")),
        .init("a blank behind a chunk's size", post(chunked, "5 \r\nhello\r\n0\r\n\r\n")),
        .init("a blank before a chunk's size", post(chunked, " 5\r\nhello\r\n0\r\n\r\n")),
        .init("a chunk's size ends with LF", post(chunked, "5\nhello\r\n0\r\n\r\n")),
        .init("a chunk's size wraps", post(chunked, "10000000000000005\r\nhello\r\n0\r\n\r\n")),
        .init("a chunk is longer than its size", post(chunked, "4\r\nhello\r\n0\r\n\r\n")),
        .init("a chunk is shorter than its size", post(chunked, "6\r\nhello\r\n0\r\n\r\n")),
        .init("a chunk ends with LF", post(chunked, "5\r\nhello\n0\r\n\r\n")),
        .init("an extension with a control character", post(chunked, "5;a=\u{1}\r\nhello\r\n0\r\n\r\n")),
        .init("an extension ends with LF", post(chunked, "5;a\nhello\r\n0\r\n\r\n")),
        .init("a trailer without a colon", post(chunked, "0\r\nX\r\n\r\n")),
        .init("a folded trailer", post(chunked, "0\r\nX: a\r\n b\r\n\r\n")),
        .init("a trailer with a blank before the colon", post(chunked, "0\r\nX : a\r\n\r\n")),
    ]

    private static func many(_ count: Int, _ text: String) -> String { String(repeating: text, count: count) }

    private static let limits: [MalformedRequest] = [
        .init("a long request line", "GET /\(many(9_000, "a")) HTTP/1.1\r\n\(host)\r\n", 414),
        .init("an endless request line", "GET /\(many(9_000, "a"))", 414),
        .init("a large head", "GET / HTTP/1.1\r\n\(host)" + many(40, "X: \(many(1_000, "x"))\r\n") + "\r\n", 431),
        .init("an endless field", "GET / HTTP/1.1\r\n\(host)X: \(many(40_000, "x"))", 431),
        .init("many fields", "GET / HTTP/1.1\r\n\(host)\(many(101, "X: y\r\n"))\r\n", 431),
        .init("a large body", post("Content-Length: 1048577\r\n"), 413),
        .init("a large chunk", post(chunked, "100001\r\n"), 413),
        .init("large chunks together", post(chunked, "1\r\nx\r\n100000\r\n"), 413),
        .init("an endless chunk's size", post(chunked, many(5_000, "0"))),
        .init("an endless extension", post(chunked, "1;\(many(5_000, "a"))")),
        .init("many extensions", post(chunked, many(50, "1;\(many(100, "a"))\r\nx\r\n"))),
        .init("many trailers", post(chunked, "0\r\n\(many(101, "X: y\r\n"))\r\n"), 431),
        .init("large trailers", post(chunked, "0\r\n" + many(40, "X: \(many(1_000, "x"))\r\n") + "\r\n"), 431),
    ]
}
