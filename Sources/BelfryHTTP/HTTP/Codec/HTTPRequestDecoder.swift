// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Cuts a byte stream into requests, however it was cut on the way (RFC 9112).
///
/// A head that lies wholly in the input is read in place; only an unfinished line is copied together with what of its
/// head came before, and a decoder between two requests owns no memory. Bodies are handed on as they come. Nothing is
/// scanned twice, however small the pieces are.
///
/// It is fed with `decode`. The handler may answer `.hold`: the rest then waits here until `resume`.
package struct HTTPRequestDecoder: ~Copyable {
    /// Bounds on what one request may be.
    package struct Limits: Sendable {
        /// Bytes of the request line.
        package var maxRequestLineBytes = 8 * 1024
        /// Bytes of the head, request line included; and again of the trailers.
        package var maxHeadBytes = 32 * 1024
        /// Field lines of the head; and again of the trailers.
        package var maxFields = 100
        /// Bytes of the body, without what frames it.
        package var maxBodyBytes = 1024 * 1024
        /// Bytes of all chunk extensions of one body.
        package var maxChunkExtensionBytes = 4 * 1024
        /// Bytes that may pile up while the decoder is held.
        package var maxHeldBytes = 1024 * 1024

        package init() {}
    }

    /// What has been read.
    package enum Part: Sendable, Equatable {
        /// A head; its bytes, without the empty line, are handed along. If it has a body, pieces of it and `end` follow.
        case head(HTTPHeadLayout)
        /// A piece of the body, handed along.
        case body
        /// The body is complete.
        case end
        /// The bytes behind a head that was answered by `release`, handed along.
        case rest
        /// The stream is no good from here on: the decoder has ended.
        case fault(HTTPFault)
    }

    /// What to do after a part.
    package enum Disposition: Sendable {
        /// Go on with the next one.
        case next
        /// Keep the rest, unread, until `resume`.
        case hold
        /// Hand the rest over as `rest`, and end: the stream is another protocol's from here on.
        case release
        /// Drop the rest and whatever still comes.
        case stop
    }

    /// Gets one part and its bytes.
    package typealias Handler = (Part, Span<UInt8>) -> Disposition

    enum State: Equatable {
        case requestLine, fields, chunkSize, chunkEnd, trailers
        /// With the bytes that are left.
        case body(Int)
        case chunk(Int)
        case ended
    }

    package let limits: Limits
    var state = State.requestLine
    package private(set) var isHeld = false
    /// From the head's or line's begin on what is unfinished; while held, what has not been read.
    private var buffer: [UInt8] = []
    /// Counted from the begin of the head, or of the line: where the line begins, and how far it was searched.
    var lineStart = 0
    var searched = 0
    var parser = HTTPHeadParser()
    /// An empty line before the request has been ignored.
    var hasSkippedLine = false
    /// Of the body: its bytes so far, those of chunk extensions, and the trailers.
    var bodyBytes = 0
    var extensionBytes = 0
    var trailerBytes = 0
    var trailerCount = 0

    /// A decoder at the beginning of a stream.
    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Bytes that are kept until more come, or until `resume`.
    package var bufferedBytes: Int { buffer.count }

    /// Nothing of a next request has come yet.
    package var isBetweenRequests: Bool { state == .requestLine && buffer.isEmpty }

    /// A head has begun and is not complete.
    package var isInHead: Bool { state == .fields || state == .requestLine && !buffer.isEmpty && !isHeld }

    /// Reads the next bytes of the stream.
    package mutating func decode(_ input: Span<UInt8>, _ handle: Handler) {
        guard state != .ended else { return }
        if isHeld {
            guard buffer.count + input.count <= limits.maxHeldBytes else { return fail(.heldTooLong, handle) }
            return buffer.append(bytes: input)
        }
        guard buffer.isEmpty else {
            buffer.append(bytes: input)
            return decodeBuffer(handle)
        }
        let used = run(input, handle)
        if state != .ended, used < input.count { buffer.append(bytes: input.extracting(used...)) }
    }

    /// Goes on after `hold`.
    package mutating func resume(_ handle: Handler) {
        guard isHeld else { return }
        isHeld = false
        if !buffer.isEmpty || state == .body(0) { decodeBuffer(handle) }
    }

    private mutating func decodeBuffer(_ handle: Handler) {
        var bytes: [UInt8] = []
        swap(&bytes, &buffer)
        let used = run(bytes.span, handle)
        guard state != .ended, used < bytes.count else { return }
        bytes.removeFirst(used)
        buffer = bytes
    }

    private mutating func fail(_ fault: HTTPFault, _ handle: Handler) {
        state = .ended
        isHeld = false
        buffer = []
        let none: [UInt8] = []
        _ = handle(.fault(fault), none.span)
    }

    /// Reads as far as it goes; returns how many bytes are done with.
    private mutating func run(_ bytes: Span<UInt8>, _ handle: Handler) -> Int {
        var start = 0
        do {
            // The end of a body of known length takes no byte.
            while start < bytes.count && state != .ended || state == .body(0) {
                let rest = bytes.extracting(start...)
                let (part, range, used) = try step(rest)
                // Where a line is unfinished, its begin stays.
                start += used
                guard let part else {
                    if used == 0 { return start }
                    continue
                }
                switch handle(part, rest.extracting(range)) {
                case .next: break
                case .hold:
                    isHeld = true
                    return start
                case .stop: state = .ended
                case .release:
                    state = .ended
                    if start < bytes.count { _ = handle(.rest, bytes.extracting(start...)) }
                }
            }
        } catch {
            fail(error, handle)
        }
        return start
    }
}
