// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

/// Writes the head of a response, and frames what follows (RFC 9112, §4, §6, §7.1).
package enum HTTPResponseEncoder {
    /// How the client learns where the body ends.
    package enum Framing: Sendable, Equatable {
        /// There is none, as with 204 and 304.
        case none
        case length(Int)
        case chunked
        /// The connection ends with it: all that HTTP/1.0 has for a length not known.
        case untilClose
    }

    /// What the connection does behind the response.
    package enum Persistence: Sendable {
        case close
        case keepAlive
        /// The same to an HTTP/1.0 client, which has to be told.
        case keepAliveSaid
    }

    /// Appends status line and fields, with the empty line; `date` is the whole `Date` line.
    package static func appendHead(
        status: HTTPResponse.Status,
        fields: HTTPFields,
        framing: Framing,
        persistence: Persistence,
        date: [UInt8],
        to output: inout [UInt8]
    ) {
        if status == .ok {
            output.append(contentsOf: "HTTP/1.1 200 OK\r\n".utf8)
        } else {
            output.append(contentsOf: "HTTP/1.1 ".utf8)
            appendDecimal(status.code, to: &output)
            output.append(ASCII.space)
            output.append(contentsOf: status.reasonPhrase.utf8)
            endLine(&output)
        }
        var namesUpgrade = false
        for field in fields where !isOwn(field.name.canonicalName) {
            if field.name == .upgrade { namesUpgrade = true }
            output.append(contentsOf: field.name.rawName.utf8)
            output.append(ASCII.colon)
            output.append(ASCII.space)
            output.append(contentsOf: field.value.utf8)
            endLine(&output)
        }
        switch framing {
        case .none, .untilClose: break
        case .length(let count):
            output.append(contentsOf: "Content-Length: ".utf8)
            appendDecimal(count, to: &output)
            endLine(&output)
        case .chunked: output.append(contentsOf: "Transfer-Encoding: chunked\r\n".utf8)
        }
        // RFC 9110, §7.8.
        if namesUpgrade { output.append(contentsOf: "Connection: Upgrade\r\n".utf8) }
        switch persistence {
        case .close: output.append(contentsOf: "Connection: close\r\n".utf8)
        case .keepAlive: break
        case .keepAliveSaid: output.append(contentsOf: "Connection: keep-alive\r\n".utf8)
        }
        output.append(contentsOf: date)
        endLine(&output)
    }

    /// Appends the head of `101 Switching Protocols`.
    package static func appendUpgrade(
        to protocolName: String,
        fields: HTTPFields,
        date: [UInt8],
        into output: inout [UInt8]
    ) {
        output.append(contentsOf: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ".utf8)
        output.append(contentsOf: protocolName.utf8)
        endLine(&output)
        for field in fields where field.name != .upgrade && !isOwn(field.name.canonicalName) {
            output.append(contentsOf: "\(field.name.rawName): \(field.value)\r\n".utf8)
        }
        output.append(contentsOf: date)
        endLine(&output)
    }

    /// Appends one chunk; not an empty one, which would end the body.
    package static func appendChunk(_ bytes: some Collection<UInt8>, to output: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        output.append(contentsOf: String(bytes.count, radix: 16).utf8)
        endLine(&output)
        output.append(contentsOf: bytes)
        endLine(&output)
    }

    /// The end of a chunked body.
    package static let lastChunk = Array("0\r\n\r\n".utf8)

    /// The fields that the server sets itself.
    private static func isOwn(_ name: String) -> Bool {
        switch name.utf8.count {
        case 4: name == "date"
        case 10: name == "connection" || name == "keep-alive"
        case 14: name == "content-length"
        case 17: name == "transfer-encoding"
        default: false
        }
    }

    private static func endLine(_ output: inout [UInt8]) {
        output.append(ASCII.carriageReturn)
        output.append(ASCII.lineFeed)
    }

    private static func appendDecimal(_ number: Int, to output: inout [UInt8]) {
        var unit = 1
        while unit <= number / 10 { unit *= 10 }
        while unit > 0 {
            output.append(0x30 &+ UInt8(truncatingIfNeeded: number / unit % 10))
            unit /= 10
        }
    }
}
