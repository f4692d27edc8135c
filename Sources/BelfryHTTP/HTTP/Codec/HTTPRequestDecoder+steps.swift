// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension HTTPRequestDecoder {
    /// What a step gave: perhaps a part, where its bytes are, and how many bytes are done with; 0 without a part means
    /// that more have to come.
    typealias Step = (part: Part?, range: Range<Int>, used: Int)

    private static var more: Step { (nil, 0..<0, 0) }

    mutating func step(_ bytes: Span<UInt8>) throws(HTTPFault) -> Step {
        switch state {
        case .requestLine, .fields: return try readHead(bytes)
        case .body(let left):
            let count = min(left, bytes.count)
            state = .body(left - count)
            return count == 0 ? end() : (.body, 0..<count, count)
        case .chunkSize: return try readChunkSize(bytes)
        case .chunk(let left):
            let count = min(left, bytes.count)
            state = left == count ? .chunkEnd : .chunk(left - count)
            return (.body, 0..<count, count)
        case .chunkEnd:
            guard bytes[0] == ASCII.carriageReturn else { throw .chunk }
            guard bytes.count > 1 else { return Self.more }
            guard bytes[1] == ASCII.lineFeed else { throw .chunk }
            state = .chunkSize
            return (nil, 0..<0, 2)
        case .trailers: return try readTrailer(bytes)
        case .ended: return Self.more
        }
    }

    // MARK: Lines

    /// The next line, without its end, counted from the begin of the bytes; nil when it is not complete.
    ///
    /// - Throws: `tooLong` for one of more than `limit` bytes; `.lineEnd` for a line feed alone.
    private mutating func nextLine(
        _ bytes: Span<UInt8>,
        limit: Int,
        _ tooLong: HTTPFault
    ) throws(HTTPFault) -> Range<Int>? {
        guard let feed = bytes.firstLineFeed(from: searched) else {
            searched = bytes.count
            guard searched - lineStart <= limit else { throw tooLong }
            return nil
        }
        guard feed - lineStart <= limit else { throw tooLong }
        guard feed > lineStart, bytes[feed - 1] == ASCII.carriageReturn else { throw .lineEnd }
        let line = lineStart..<(feed - 1)
        searched = feed + 1
        lineStart = searched
        return line
    }

    private mutating func newLine() {
        lineStart = 0
        searched = 0
    }

    // MARK: Head

    private mutating func readHead(_ bytes: Span<UInt8>) throws(HTTPFault) -> Step {
        if state == .requestLine {
            // At once, as to who speaks another protocol.
            guard ASCII.isToken(bytes[0]) || bytes[0] == ASCII.carriageReturn else {
                throw bytes[0] == ASCII.lineFeed ? .lineEnd : .requestLine
            }
            guard let line = try nextLine(bytes, limit: limits.maxRequestLineBytes, .requestLineTooLong) else {
                return Self.more
            }
            if line.isEmpty {
                // RFC 9112, §2.2: an empty line before a request is ignored; a second one is not.
                guard !hasSkippedLine else { throw .requestLine }
                newLine()
                hasSkippedLine = true
                return (nil, 0..<0, 2)
            }
            parser = HTTPHeadParser()
            try parser.readRequestLine(bytes.extracting(line), at: 0)
            state = .fields
        }
        while true {
            // What is left of the head's bytes: the verdict on a line must not depend on how it came.
            let left = limits.maxHeadBytes - lineStart
            guard let line = try nextLine(bytes, limit: left, .fieldsTooLarge) else { return Self.more }
            if line.isEmpty { return try finishHead(bytes, end: line.lowerBound) }
            guard parser.layout.fieldCount < limits.maxFields else { throw .tooManyFields }
            try parser.readField(bytes.extracting(line), at: line.lowerBound)
        }
    }

    private mutating func finishHead(_ bytes: Span<UInt8>, end: Int) throws(HTTPFault) -> Step {
        try parser.finish(bytes.extracting(0..<end))
        newLine()
        hasSkippedLine = false
        (bodyBytes, extensionBytes, trailerBytes, trailerCount) = (0, 0, 0, 0)
        if parser.layout.isChunked {
            state = .chunkSize
        } else if let length = parser.layout.contentLength, length > 0 {
            guard length <= limits.maxBodyBytes else { throw .bodyTooLarge }
            state = .body(length)
        } else {
            state = .requestLine
        }
        return (.head(parser.layout), 0..<end, end + 2)
    }

    // MARK: Body

    private mutating func end() -> Step {
        state = .requestLine
        return (.end, 0..<0, 0)
    }

    /// `size[;extensions]`: hexadecimal, at most 15 digits (RFC 9112, §7.1); no blank before the semicolon.
    private mutating func readChunkSize(_ bytes: Span<UInt8>) throws(HTTPFault) -> Step {
        guard let line = try nextLine(bytes, limit: limits.maxChunkExtensionBytes + 18, .chunk) else {
            return Self.more
        }
        newLine()
        var size = 0
        var index = 0
        while index < line.count, index < 15, let digit = ASCII.hexValue(bytes[index]) {
            size = size << 4 | Int(digit)
            index += 1
        }
        guard index > 0 else { throw .chunk }
        if index < line.count {
            guard bytes[index] == 0x3B, bytes.extracting(index..<line.count).isFieldValue else { throw .chunk }
            extensionBytes += line.count - index
            guard extensionBytes <= limits.maxChunkExtensionBytes else { throw .chunk }
        }
        guard size <= limits.maxBodyBytes - bodyBytes else { throw .bodyTooLarge }
        bodyBytes += size
        state = size == 0 ? .trailers : .chunk(size)
        return (nil, 0..<0, line.count + 2)
    }

    /// Trailers are checked as fields are, and dropped: nothing in them may change what was decided before them.
    private mutating func readTrailer(_ bytes: Span<UInt8>) throws(HTTPFault) -> Step {
        guard let line = try nextLine(bytes, limit: limits.maxHeadBytes, .fieldsTooLarge) else { return Self.more }
        newLine()
        if line.isEmpty {
            let (part, range, _) = end()
            return (part, range, 2)
        }
        trailerBytes += line.count
        trailerCount += 1
        guard trailerBytes <= limits.maxHeadBytes else { throw .fieldsTooLarge }
        guard trailerCount <= limits.maxFields else { throw .tooManyFields }
        _ = try HTTPHeadParser.split(bytes.extracting(line))
        return (nil, 0..<0, line.count + 2)
    }
}
