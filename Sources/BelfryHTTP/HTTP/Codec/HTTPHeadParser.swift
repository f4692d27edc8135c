// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Reads a request's head line by line and knows, at its end, how the body is framed (RFC 9112, §3, §5, §6).
///
/// Where RFC 9112 leaves a choice between lenient and safe, this is safe: whatever two servers in a row could read in two
/// ways is refused.
struct HTTPHeadParser {
    private(set) var layout = HTTPHeadLayout()
    private var hasCoding = false
    private var closes = false
    private var staysOpen = false
    private var namesUpgrade = false
    private var hasUpgrade = false

    // MARK: Request line

    /// Reads the request line without its end; `base` is where in the head it stands.
    mutating func readRequestLine(_ line: Span<UInt8>, at base: Int) throws(HTTPFault) {
        // The shortest is `G / HTTP/1.1`.
        guard line.count >= 12, line[line.count - 9] == ASCII.space else { throw .requestLine }
        layout.minorVersion = try Self.minorVersion(line.extracting((line.count - 8)...))
        var end = 0
        while ASCII.isToken(line[end]) { end += 1 }
        guard end > 0, end + 1 < line.count - 9, line[end] == ASCII.space else { throw .requestLine }
        layout.methodLength = end
        let target = (end + 1)..<(line.count - 9)
        layout.target = (base + target.lowerBound)..<(base + target.upperBound)
        try readTarget(line.extracting(target), method: line.extracting(0..<end), at: base + target.lowerBound)
    }

    private static func minorVersion(_ version: Span<UInt8>) throws(HTTPFault) -> Int {
        let word = version.word(at: 0)
        // `HTTP/1.` and a digit, the first byte in the lowest lane.
        guard word & 0x00FF_FFFF_FFFF_FFFF == 0x002E_312F_5054_5448 else {
            let isVersion = word & 0x00FF_00FF_FFFF_FFFF == 0x002E_002F_5054_5448
            throw isVersion && ASCII.isDigit(version[5]) && ASCII.isDigit(version[7]) ? .versionNotServed : .version
        }
        switch version[7] {
        case 0x30: return 0
        case 0x31: return 1
        default: throw ASCII.isDigit(version[7]) ? .versionNotServed : .version
        }
    }

    private mutating func readTarget(
        _ target: Span<UInt8>,
        method: Span<UInt8>,
        at base: Int
    ) throws(HTTPFault) {
        var mark: Int?
        for index in target.indices {
            guard ASCII.isTarget(target[index]) else { throw .target }
            if target[index] == ASCII.questionMark, mark == nil { mark = index }
        }
        guard !method.isText("connect") else { throw .methodNotServed }
        let pathEnd = mark ?? target.count
        if let mark { layout.query = (base + mark + 1)..<(base + target.count) }
        if target[0] == ASCII.slash {
            layout.path = base..<(base + pathEnd)
        } else if target.count == 1, target[0] == 0x2A {
            guard method.isText("options") else { throw .target }
            layout.path = base..<(base + 1)
        } else {
            try readAbsolute(target, pathEnd: pathEnd, at: base)
        }
    }

    /// `http://authority/path` (RFC 9112, §3.2.2).
    private mutating func readAbsolute(_ target: Span<UInt8>, pathEnd: Int, at base: Int) throws(HTTPFault) {
        let start: Int
        if target.count > 7, target.extracting(0..<7).isText("http://") {
            start = 7
        } else if target.count > 8, target.extracting(0..<8).isText("https://") {
            start = 8
        } else {
            throw .target
        }
        guard start < pathEnd else { throw .target }
        var end = start
        while end < pathEnd, target[end] != ASCII.slash { end += 1 }
        guard Self.isAuthority(target.extracting(start..<end)) else { throw .target }
        layout.targetAuthority = (base + start)..<(base + end)
        layout.path = (base + end)..<(base + pathEnd)
    }

    /// A host, perhaps with a port; without user information (RFC 9110, §4.2.4).
    private static func isAuthority(_ text: Span<UInt8>) -> Bool {
        guard !text.isEmpty, text[0] != ASCII.colon else { return false }
        var index = 0
        if text[0] == 0x5B {
            while index < text.count, text[index] != 0x5D {
                let byte = text[index]
                guard index == 0 || ASCII.hexValue(byte) != nil || byte == ASCII.colon || byte == 0x2E else {
                    return false
                }
                index += 1
            }
            guard index > 1, index < text.count else { return false }
            index += 1
        } else {
            while index < text.count, text[index] != ASCII.colon {
                guard ASCII.isAuthority(text[index]), text[index] != 0x5B, text[index] != 0x5D else { return false }
                index += 1
            }
        }
        guard index < text.count else { return true }
        guard text[index] == ASCII.colon, text.count - index <= 6 else { return false }
        for index in (index + 1)..<text.count where !ASCII.isDigit(text[index]) { return false }
        return true
    }

    // MARK: Fields

    /// Reads a field line without its end; `base` is where in the head it stands.
    mutating func readField(_ line: Span<UInt8>, at base: Int) throws(HTTPFault) {
        if layout.fieldCount == 0 { layout.fields = base..<base }
        layout.fieldCount += 1
        let (name, value) = try Self.split(line)
        layout.fields = layout.fields.lowerBound..<(base + line.count + 2)
        try note(line.extracting(name), line.extracting(value), at: base + value.lowerBound)
    }

    /// Splits a field line and checks its characters.
    static func split(_ line: Span<UInt8>) throws(HTTPFault) -> (name: Range<Int>, value: Range<Int>) {
        guard !ASCII.isBlank(line[0]) else { throw .fold }
        var colon = 0
        while colon < line.count, ASCII.isToken(line[colon]) { colon += 1 }
        guard colon > 0, colon < line.count, line[colon] == ASCII.colon else { throw .fieldName }
        var (start, end) = (colon + 1, line.count)
        while start < end, ASCII.isBlank(line[start]) { start += 1 }
        while end > start, ASCII.isBlank(line[end - 1]) { end -= 1 }
        guard line.extracting(start..<end).isFieldValue else { throw .fieldValue }
        return (0..<colon, start..<end)
    }

    /// Keeps what matters to the framing and the connection.
    private mutating func note(_ name: Span<UInt8>, _ value: Span<UInt8>, at base: Int) throws(HTTPFault) {
        switch name.count {
        case 4 where name.isText("host"):
            guard layout.host == nil, Self.isAuthority(value) else { throw .host }
            layout.host = base..<(base + value.count)
        case 6 where name.isText("expect"):
            guard value.isText("100-continue") else { throw .expectation }
            layout.expectsContinue = true
        case 7 where name.isText("upgrade"):
            hasUpgrade = true
        case 10 where name.isText("connection"):
            noteConnection(value)
        case 14 where name.isText("content-length"):
            guard layout.contentLength == nil else { throw .contentLength }
            layout.contentLength = try Self.length(value)
        case 17 where name.isText("transfer-encoding"):
            try noteCoding(value)
        default:
            break
        }
    }

    private mutating func noteConnection(_ value: Span<UInt8>) {
        var start = 0
        while start < value.count {
            var end = start
            while end < value.count, value[end] != 0x2C { end += 1 }
            var last = end
            while start < last, ASCII.isBlank(value[start]) { start += 1 }
            while last > start, ASCII.isBlank(value[last - 1]) { last -= 1 }
            let option = value.extracting(start..<last)
            if option.isText("close") { closes = true }
            if option.isText("keep-alive") { staysOpen = true }
            if option.isText("upgrade") { namesUpgrade = true }
            start = end + 1
        }
    }

    /// Only `chunked`, once: another coding before it is not served, one behind it leaves the length open.
    private mutating func noteCoding(_ value: Span<UInt8>) throws(HTTPFault) {
        guard !hasCoding else { throw .transferCoding }
        hasCoding = true
        if value.isText("chunked") {
            layout.isChunked = true
            return
        }
        // `gzip, chunked`: well framed, but not served.
        guard value.count > 8, value.extracting((value.count - 7)...).isText("chunked") else { throw .transferCoding }
        var comma = value.count - 8
        while comma > 0, ASCII.isBlank(value[comma]) { comma -= 1 }
        guard value[comma] == 0x2C, comma > 0 else { throw .transferCoding }
        for index in 0..<comma where !ASCII.isToken(value[index]) { throw .transferCoding }
        throw value.extracting(0..<comma).isText("chunked") ? .transferCoding : .codingNotServed
    }

    private static func length(_ value: Span<UInt8>) throws(HTTPFault) -> Int {
        // 18 digits always fit.
        guard !value.isEmpty else { throw .contentLength }
        var length = 0
        for index in value.indices {
            guard ASCII.isDigit(value[index]) else { throw .contentLength }
            guard length < 100_000_000_000_000_000 else { throw .bodyTooLarge }
            length = length * 10 + Int(value[index] &- 0x30)
        }
        return length
    }

    // MARK: End

    /// The head is complete; `head` has all its bytes.
    mutating func finish(_ head: Span<UInt8>) throws(HTTPFault) {
        if layout.fieldCount == 0 { layout.fields = head.count..<head.count }
        if layout.minorVersion == 1, layout.host == nil { throw .noHost }
        if let named = layout.targetAuthority, let host = layout.host {
            guard head.extracting(named).isSameText(head.extracting(host)) else { throw .hostMismatch }
        }
        if hasCoding {
            guard layout.contentLength == nil else { throw .lengthAndCoding }
            // RFC 9112, §6.1: the sender can't be trusted to know what it says.
            guard layout.minorVersion == 1 else { throw .transferCoding }
        }
        if layout.minorVersion == 0 || !layout.hasBody { layout.expectsContinue = false }
        layout.keepsAlive = !closes && (layout.minorVersion == 1 || staysOpen)
        layout.asksUpgrade = namesUpgrade && hasUpgrade && layout.minorVersion == 1
    }
}
