// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

@testable import BelfryHTTP
import HTTPTypes
import Foundation
import Testing

@Suite("HTTP response encoder", .timeLimit(.minutes(3)))
struct ResponseEncoderTests {
    private func head(
        _ status: HTTPResponse.Status,
        _ fields: HTTPFields = [:],
        _ framing: HTTPResponseEncoder.Framing,
        _ persistence: HTTPResponseEncoder.Persistence = .keepAlive
    ) -> String {
        var output: [UInt8] = []
        HTTPResponseEncoder.appendHead(
            status: status,
            fields: fields,
            framing: framing,
            persistence: persistence,
            date: Array("Date: D\r\n".utf8),
            to: &output
        )
        return String(decoding: output, as: UTF8.self)
    }

    @Test("heads are what RFC 9112 says, and the server's own fields are its own")
    func heads() {
        #expect(head(.ok, [:], .length(0)) == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: D\r\n\r\n")
        #expect(
            head(.notFound, [.contentType: "a/b"], .length(1_234_567_890), .close)
                == "HTTP/1.1 404 Not Found\r\nContent-Type: a/b\r\nContent-Length: 1234567890\r\nConnection: close\r\n"
                + "Date: D\r\n\r\n"
        )
        let own: HTTPFields = [
            .contentLength: "7", .transferEncoding: "chunked", .connection: "x", .date: "x", .server: "y",
        ]
        #expect(head(.noContent, own, .none) == "HTTP/1.1 204 No Content\r\nServer: y\r\nDate: D\r\n\r\n")
        #expect(
            head(.ok, [:], .chunked, .keepAliveSaid)
                == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\nDate: D\r\n\r\n"
        )
    }

    @Test("a field's value can't end its line")
    func injection() {
        let text = head(.ok, [.location: "/a\r\nSet-Cookie: b"], .none)
        #expect(text.components(separatedBy: "\r\n").count == 5)
    }

    @Test("an empty chunk is none: it would end the body")
    func chunks() {
        var output: [UInt8] = []
        HTTPResponseEncoder.appendChunk([], to: &output)
        HTTPResponseEncoder.appendChunk(Array(repeating: 65, count: 26), to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "1a\r\n" + String(repeating: "A", count: 26) + "\r\n")
    }

    @Test(
        "dates are written as RFC 9110 says",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
        ]
    )
    func dates(_ seconds: Int64, _ text: String) { #expect(HTTPDate.text(seconds) == text) }
}
