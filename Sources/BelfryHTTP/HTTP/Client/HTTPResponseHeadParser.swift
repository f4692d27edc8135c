// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Reads a response's head line by line and knows, at its end, how the body is framed (RFC 9112, §4, §5, §6).
///
/// As strict as ``HTTPHeadParser`` is with requests: what could be framed in two ways is refused.
struct HTTPResponseHeadParser {
    private(set) var head = HTTPResponseHead()
    private(set) var fieldCount = 0
    private var contentLength: Int?
    private var hasCoding = false
    private var closes = false
    private var staysOpen = false

    /// Reads the status line without its end; the blank before an empty reason may be missing, as with some servers.
    mutating func readStatusLine(_ line: Span<UInt8>) throws(HTTPResponseFault) {
        guard line.count >= 12, line.extracting(0..<7).isExactly("HTTP/1."), line[7] == 0x30 || line[7] == 0x31,
            line[8] == ASCII.space
        else { throw .statusLine }
        head.minorVersion = Int(line[7] &- 0x30)
        for index in 9..<12 {
            guard ASCII.isDigit(line[index]) else { throw .statusLine }
            head.status = head.status * 10 + Int(line[index] &- 0x30)
        }
        guard (100...599).contains(head.status) else { throw .statusLine }
        guard line.count > 12 else { return }
        guard line[12] == ASCII.space, line.extracting(13..<line.count).isFieldValue else { throw .statusLine }
    }

    /// Reads a field line without its end.
    mutating func readField(_ line: Span<UInt8>) throws(HTTPResponseFault) {
        do throws(HTTPFault) { try read(line) } catch { throw .message(error) }
    }

    /// Checks a field line of the trailers.
    static func checkTrailer(_ line: Span<UInt8>) throws(HTTPResponseFault) {
        do throws(HTTPFault) { _ = try HTTPHeadParser.split(line) } catch { throw .message(error) }
    }

    private mutating func read(_ line: Span<UInt8>) throws(HTTPFault) {
        fieldCount += 1
        let (name, value) = try HTTPHeadParser.split(line)
        try note(line.extracting(name), line.extracting(value))
        guard let fieldName = HTTPField.Name(String(decoding: [UInt8](copying: line.extracting(name)), as: UTF8.self))
        else { throw .fieldName }
        head.fields.append(HTTPField(name: fieldName, value: [UInt8](copying: line.extracting(value))))
    }

    private mutating func note(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(HTTPFault) {
        switch name.count {
        case 10 where name.isText("connection"):
            for option in String(decoding: [UInt8](copying: value), as: UTF8.self).split(separator: ",") {
                switch option.filter({ $0 != " " && $0 != "\t" }).lowercased() {
                case "close": closes = true
                case "keep-alive": staysOpen = true
                default: break
                }
            }
        case 14 where name.isText("content-length"):
            guard contentLength == nil else { throw .contentLength }
            contentLength = try Self.length(value)
        case 17 where name.isText("transfer-encoding"):
            guard !hasCoding else { throw .transferCoding }
            hasCoding = true
            // No other coding was asked for.
            guard value.isText("chunked") else { throw .codingNotServed }
        default: break
        }
    }

    private static func length(_ value: Span<UInt8>) throws(HTTPFault) -> Int {
        guard !value.isEmpty else { throw .contentLength }
        var length = 0
        for index in value.indices {
            guard ASCII.isDigit(value[index]) else { throw .contentLength }
            // 18 digits always fit.
            guard length < 100_000_000_000_000_000 else { throw .bodyTooLarge }
            length = length * 10 + Int(value[index] &- 0x30)
        }
        return length
    }

    /// The head is complete.
    mutating func finish(isToHead: Bool) throws(HTTPResponseFault) -> HTTPResponseHead {
        if hasCoding {
            guard contentLength == nil else { throw .message(.lengthAndCoding) }
            // RFC 9112, §6.1: the sender can't be trusted to know what it says.
            guard head.minorVersion == 1 else { throw .message(.transferCoding) }
        }
        if isToHead || head.status < 200 || head.status == 204 || head.status == 304 {
            head.framing = .none
        } else if hasCoding {
            head.framing = .chunked
        } else if let contentLength {
            head.framing = .length(contentLength)
        } else {
            head.framing = .untilClose
        }
        head.keepsAlive = !closes && (head.minorVersion == 1 || staysOpen) && head.framing != .untilClose
        return head
    }
}
