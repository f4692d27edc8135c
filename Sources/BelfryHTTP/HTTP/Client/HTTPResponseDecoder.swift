// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Cuts a byte stream into responses, however it was cut on the way (RFC 9112); without I/O.
///
/// Each response is asked for by `expect`; bytes that come without are a fault, so that no response is taken for
/// another request's. Interim responses (1xx) are skipped. Only an unfinished line is kept; bodies are handed on as
/// they come.
package struct HTTPResponseDecoder: ~Copyable {
    /// Bounds on what one response may be.
    package struct Limits: Sendable {
        /// Bytes of the status line.
        package var maxStatusLineBytes = 8 * 1024
        /// Bytes of the head, status line included; and again of the trailers.
        package var maxHeadBytes = 32 * 1024
        /// Field lines of the head; and again of the trailers.
        package var maxFields = 100
        /// Bytes of the body, without what frames it.
        package var maxBodyBytes = 16 * 1024 * 1024
        /// Bytes of all chunk extensions of one body.
        package var maxChunkExtensionBytes = 4 * 1024
        /// Interim responses before one.
        package var maxInterim = 16

        package init() {}
    }

    /// What has been read.
    package enum Part: Sendable, Equatable {
        /// The final head; pieces of the body and `end` follow.
        case head(HTTPResponseHead)
        /// A piece of the body, handed along; never empty.
        case body
        /// The response is complete.
        case end
        /// The stream is no good from here on: the decoder has ended.
        case fault(HTTPResponseFault)
    }

    /// Gets one part and its bytes.
    package typealias Handler = (Part, Span<UInt8>) -> Void

    private enum State {
        /// Nothing is asked for.
        case idle
        case statusLine, fields, chunkSize, chunkEnd, trailers
        /// With the bytes that are left.
        case body(Int)
        case chunk(Int)
        case untilClose
        case ended
    }

    private let limits: Limits
    private var state = State.idle
    private var isToHead = false
    /// The begin of a line whose end has not come.
    private var line: [UInt8] = []
    private var parser = HTTPResponseHeadParser()
    private var interim = 0
    /// Bytes of the head's, or the trailers', lines so far.
    private var headBytes = 0
    private var trailerCount = 0
    private var bodyBytes = 0
    private var extensionBytes = 0

    /// A decoder at the beginning of a stream.
    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Bytes that are kept until more come.
    package var bufferedBytes: Int { line.count }

    /// Nothing is asked for, and the stream is good for another request.
    package var isIdle: Bool { if case .idle = state { true } else { false } }

    /// A response is asked for, and not a byte of it has come.
    package var isUnanswered: Bool {
        if case .statusLine = state { interim == 0 && line.isEmpty } else { false }
    }

    /// A request is being sent: its response is what comes next.
    ///
    /// Ignored unless the decoder is idle.
    package mutating func expect(isToHead: Bool = false) {
        guard isIdle else { return }
        self.isToHead = isToHead
        interim = 0
        beginHead()
    }

    private mutating func beginHead() {
        state = .statusLine
        parser = HTTPResponseHeadParser()
        headBytes = 0
    }

    /// Reads the next bytes of the stream.
    package mutating func decode(_ input: Span<UInt8>, _ handle: Handler) {
        var start = 0
        do throws(HTTPResponseFault) {
            while start < input.count {
                if case .ended = state { return }
                try step(input, &start, handle)
            }
        } catch {
            fail(error, handle)
        }
    }

    /// The stream has ended.
    package mutating func end(_ handle: Handler) {
        switch state {
        case .ended: break
        case .idle: state = .ended
        case .untilClose:
            state = .ended
            handle(.end, Span())
        default: fail(.cutShort, handle)
        }
    }

    private mutating func fail(_ fault: HTTPResponseFault, _ handle: Handler) {
        state = .ended
        line = []
        handle(.fault(fault), Span())
    }

    // MARK: Steps

    private mutating func step(
        _ input: Span<UInt8>,
        _ start: inout Int,
        _ handle: Handler
    ) throws(HTTPResponseFault) {
        switch state {
        case .ended: break
        case .idle: throw .unsolicited
        case .statusLine:
            guard let line = try nextLine(input, &start, limits.maxStatusLineBytes, .statusLineTooLong) else { return }
            headBytes += line.count + 2
            try parser.readStatusLine(line.span)
            state = .fields
        case .fields:
            let left = max(0, limits.maxHeadBytes - headBytes)
            guard let line = try nextLine(input, &start, left, .message(.fieldsTooLarge)) else { return }
            headBytes += line.count + 2
            if line.isEmpty { return try finishHead(handle) }
            guard parser.fieldCount < limits.maxFields else { throw .message(.tooManyFields) }
            try parser.readField(line.span)
        case .body(let left):
            let count = min(left, input.count - start)
            pass(input, &start, count, handle)
            state = .body(left - count)
            if left == count { finish(handle) }
        case .chunkSize:
            let limit = limits.maxChunkExtensionBytes + 18
            guard let line = try nextLine(input, &start, limit, .message(.chunk)) else { return }
            try readChunkSize(line.span)
        case .chunk(let left):
            let count = min(left, input.count - start)
            pass(input, &start, count, handle)
            state = left == count ? .chunkEnd : .chunk(left - count)
        case .chunkEnd:
            guard let line = try nextLine(input, &start, 0, .message(.chunk)) else { return }
            guard line.isEmpty else { throw .message(.chunk) }
            state = .chunkSize
        case .trailers:
            let left = max(0, limits.maxHeadBytes - headBytes)
            guard let line = try nextLine(input, &start, left, .message(.fieldsTooLarge)) else { return }
            if line.isEmpty { return finish(handle) }
            headBytes += line.count + 2
            trailerCount += 1
            guard trailerCount <= limits.maxFields else { throw .message(.tooManyFields) }
            // Checked and dropped: nothing in them may change what was decided before them.
            try HTTPResponseHeadParser.checkTrailer(line.span)
        case .untilClose:
            let count = input.count - start
            guard count <= limits.maxBodyBytes - bodyBytes else { throw .message(.bodyTooLarge) }
            bodyBytes += count
            pass(input, &start, count, handle)
        }
    }

    private func pass(_ input: Span<UInt8>, _ start: inout Int, _ count: Int, _ handle: Handler) {
        handle(.body, input.extracting(start..<(start + count)))
        start += count
    }

    private mutating func finish(_ handle: Handler) {
        state = .idle
        handle(.end, Span())
    }

    /// The next line, without its end; nil when it is not complete.
    ///
    /// - Throws: `tooLong` for one of more than `limit` bytes without its end; `lineEnd` for a line feed alone.
    private mutating func nextLine(
        _ input: Span<UInt8>,
        _ start: inout Int,
        _ limit: Int,
        _ tooLong: HTTPResponseFault
    ) throws(HTTPResponseFault) -> [UInt8]? {
        let feed = input.firstLineFeed(from: start)
        let end = feed.map { $0 + 1 } ?? input.count
        // The verdict on a line must not depend on how it came: with its end it has two bytes more, without one.
        guard line.count + end - start <= limit + (feed == nil ? 1 : 2) else { throw tooLong }
        line.append(bytes: input.extracting(start..<end))
        start = end
        guard feed != nil else { return nil }
        var whole: [UInt8] = []
        swap(&whole, &line)
        whole.removeLast()
        guard whole.last == ASCII.carriageReturn else { throw .message(.lineEnd) }
        whole.removeLast()
        return whole
    }

    private mutating func finishHead(_ handle: Handler) throws(HTTPResponseFault) {
        guard parser.head.status >= 200 else {
            guard parser.head.status != 101 else { throw .upgrade }
            interim += 1
            guard interim <= limits.maxInterim else { throw .tooManyInterim }
            return beginHead()
        }
        let head = try parser.finish(isToHead: isToHead)
        (headBytes, trailerCount, bodyBytes, extensionBytes) = (0, 0, 0, 0)
        if case .length(let count) = head.framing, count > limits.maxBodyBytes { throw .message(.bodyTooLarge) }
        handle(.head(head), Span())
        switch head.framing {
        case .none, .length(0): finish(handle)
        case .length(let count): state = .body(count)
        case .chunked: state = .chunkSize
        case .untilClose: state = .untilClose
        }
    }

    /// `size[;extensions]`: hexadecimal, at most 15 digits (RFC 9112, §7.1); no blank before the semicolon.
    private mutating func readChunkSize(_ line: Span<UInt8>) throws(HTTPResponseFault) {
        var size = 0
        var index = 0
        while index < line.count, index < 15, let digit = ASCII.hexValue(line[index]) {
            size = size << 4 | Int(digit)
            index += 1
        }
        guard index > 0 else { throw .message(.chunk) }
        if index < line.count {
            guard line[index] == 0x3B, line.extracting(index..<line.count).isFieldValue else { throw .message(.chunk) }
            extensionBytes += line.count - index
            guard extensionBytes <= limits.maxChunkExtensionBytes else { throw .message(.chunk) }
        }
        guard size <= limits.maxBodyBytes - bodyBytes else { throw .message(.bodyTooLarge) }
        bodyBytes += size
        state = size == 0 ? .trailers : .chunk(size)
    }
}
