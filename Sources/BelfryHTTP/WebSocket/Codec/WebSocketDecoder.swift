// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// What a decoder has read.
package enum WebSocketEvent: Sendable, Equatable {
    /// A message.
    ///
    /// The bytes handed along are a whole server's frame: `headerBytes` of header, then the payload. So a message can
    /// be passed on as it is.
    case message(WebSocketMessageKind, headerBytes: Int)
    /// A ping; the bytes are for the pong.
    case ping
    /// A pong; the bytes are those of the ping.
    case pong
    /// The peer closes; the bytes are its reason. Nothing comes behind it.
    case close(WebSocketCloseCode?)
    /// The peer broke a rule: it is to be told the code, and the connection closed. Nothing comes behind it.
    case failed(WebSocketFault)
}

/// Which side of a connection a decoder is on.
package enum WebSocketRole: Sendable {
    /// Reads what a client sends: masked.
    case server
    /// Reads what a server sends: not masked.
    case client
}

/// Reads a WebSocket's stream of frames and puts messages together (RFC 6455, §5 and §8.1).
///
/// A frame that lies wholly in the input is unmasked into the caller's scratch memory, or read in place where it is not
/// masked; only an unfinished message is kept here, and a decoder without one owns no memory. Texts are checked as
/// their bytes come. It ends with a close frame, or with the first rule that is broken.
package struct WebSocketDecoder: ~Copyable {
    /// Gets what was read, and its bytes for the length of the call.
    package typealias Handler = (WebSocketEvent, Span<UInt8>) -> Void

    /// The longest frame let through, in bytes of payload; nil for as long as a message.
    package let maxFrameBytes: Int?
    /// The longest message let through, in bytes as they are after decompression.
    package let maxMessageBytes: Int
    /// Whether nothing more will come.
    package private(set) var hasEnded = false

    private let role: WebSocketRole
    private var inflater: MessageInflater?

    /// The begin of a header that is not all there.
    private var partial = InlineArray<14, UInt8>(repeating: 0)
    private var partialCount = 0

    /// The frame under way; nil between frames.
    private var frame: Frame?
    /// A control frame's payload.
    private var control: [UInt8] = []

    /// The message under way.
    private var kind: WebSocketMessageKind?
    private var isCompressed = false
    /// Room for a header, then the payload so far.
    private var message: [UInt8] = []
    /// Bytes of the compressed message so far.
    private var compressedBytes = 0
    private var utf8 = UTF8Validator()

    private struct Frame {
        var opcode: WebSocketOpcode
        var isFinal: Bool
        var remaining: Int
        /// Rotated so that the next byte's mask is in the lowest eight bits.
        var key: UInt32
    }

    /// A decoder at the beginning of a stream, behind the handshake.
    ///
    /// - Parameters:
    ///   - role: Which side reads.
    ///   - maxMessageBytes: The longest message let through.
    ///   - maxFrameBytes: The longest frame; nil for as long as a message.
    ///   - deflate: What was agreed on for compression; nil for none.
    package init(
        _ role: WebSocketRole,
        maxMessageBytes: Int = 16 << 20,
        maxFrameBytes: Int? = nil,
        deflate: DeflateParameters? = nil
    ) {
        self.role = role
        self.maxMessageBytes = max(0, maxMessageBytes)
        self.maxFrameBytes = maxFrameBytes.map { max(125, $0) }
        inflater = deflate.map { MessageInflater($0, role) }
    }

    /// Whether a frame or message has begun that is not complete.
    package var isWithinMessage: Bool { partialCount > 0 || frame != nil || kind != nil }

    /// Bytes of the unfinished message that are kept here.
    package var bufferedBytes: Int { message.count + control.count }

    // MARK: Stream

    /// Takes the next bytes of the stream and calls the handler for all that they complete, in order.
    ///
    /// - Parameters:
    ///   - input: The bytes; after the end they are dropped.
    ///   - scratch: Memory to unmask into; what it holds is overwritten.
    ///   - handle: Gets what was read.
    package mutating func decode(_ input: Span<UInt8>, scratch: inout [UInt8], _ handle: Handler) {
        var index = 0
        do throws(WebSocketFault) {
            while !hasEnded {
                if frame != nil {
                    index = try readPayload(input, from: index, &scratch, handle)
                } else if partialCount > 0 {
                    guard let next = try completeHeader(input, from: index) else { return }
                    index = next
                } else {
                    guard index < input.count else { return }
                    guard let header = WebSocketFrameHeader(input, at: index) else {
                        return keepHeader(input, from: index)
                    }
                    let length = try check(header)
                    let start = index &+ header.count
                    if header.isFinal, length <= input.count &- start, kind == nil, !header.isCompressed,
                        let whole = messageKind(header)
                    {
                        let payload = input.extracting(start..<(start &+ length))
                        if role == .server {
                            try deliver(whole, payload, header, &scratch, handle)
                        } else {
                            try deliver(whole, payload, handle, frame: input.extracting(index..<(start &+ length)))
                        }
                        index = start &+ length
                        continue
                    }
                    try begin(header, length)
                    index = start
                }
                if index >= input.count, frame?.remaining != 0 { return }
            }
        } catch {
            end()
            handle(.failed(error), input.extracting(0..<0))
        }
    }

    private mutating func end() {
        hasEnded = true
        frame = nil
        kind = nil
        message = []
        control = []
        inflater = nil
    }

    // MARK: Header

    private mutating func keepHeader(_ input: Span<UInt8>, from start: Int) {
        for index in start..<input.count {
            partial[partialCount] = input[index]
            partialCount &+= 1
        }
    }

    /// Takes what a header lacks; nil when the input has not all of it.
    private mutating func completeHeader(_ input: Span<UInt8>, from start: Int) throws(WebSocketFault) -> Int? {
        var index = start
        while index < input.count {
            partial[partialCount] = input[index]
            partialCount &+= 1
            index &+= 1
            if let header = WebSocketFrameHeader(partial.span.extracting(first: partialCount), at: 0) {
                partialCount = 0
                try begin(header, check(header))
                return index
            }
        }
        return nil
    }

    /// Holds a header against the rules; returns the payload's length.
    @inline(__always)
    private func check(_ header: WebSocketFrameHeader) throws(WebSocketFault) -> Int {
        guard !header.hasReservedBits else { throw .reservedBits }
        guard let opcode = header.opcode else { throw .opcode }
        guard header.isMasked == (role == .server) else { throw header.isMasked ? .masked : .unmasked }
        guard let length = header.length else { throw .length }
        if opcode.isControl {
            guard !header.isCompressed else { throw .reservedBits }
            guard header.isFinal else { throw .controlFragmented }
            guard length <= 125 else { throw .controlLength }
            return length
        }
        if opcode == .continuation {
            guard !header.isCompressed else { throw .reservedBits }
            guard kind != nil else { throw .noMessage }
        } else {
            guard kind == nil else { throw .unfinishedMessage }
            guard !header.isCompressed || inflater != nil else { throw .reservedBits }
        }
        if let maxFrameBytes, length > maxFrameBytes { throw .frameTooBig }
        if header.isCompressed || opcode == .continuation && isCompressed {
            guard length <= maxCompressedBytes &- (opcode == .continuation ? compressedBytes : 0) else {
                throw .messageTooBig
            }
        } else {
            guard length <= maxMessageBytes &- (opcode == .continuation ? payloadBytes : 0) else {
                throw .messageTooBig
            }
        }
        return length
    }

    /// What can't be compressed becomes a little longer.
    private var maxCompressedBytes: Int {
        let (sum, isTooMuch) = maxMessageBytes.addingReportingOverflow(maxMessageBytes / 16 + 64)
        return isTooMuch ? .max : sum
    }

    /// Bytes of the unfinished message's payload.
    private var payloadBytes: Int { max(0, message.count &- WebSocketEncoder.maxHeaderBytes) }

    @inline(__always)
    private func messageKind(_ header: WebSocketFrameHeader) -> WebSocketMessageKind? {
        switch header.opcode {
        case .text: .text
        case .binary: .binary
        default: nil
        }
    }

    private mutating func begin(_ header: WebSocketFrameHeader, _ length: Int) throws(WebSocketFault) {
        guard let opcode = header.opcode else { throw .opcode }
        frame = Frame(opcode: opcode, isFinal: header.isFinal, remaining: length, key: header.key)
        guard let kind = messageKind(header) else { return }
        self.kind = kind
        isCompressed = header.isCompressed
        compressedBytes = 0
        utf8 = UTF8Validator()
        message = [UInt8](repeating: 0, count: WebSocketEncoder.maxHeaderBytes)
    }

    // MARK: Payload

    /// A whole masked message in the input.
    @inline(__always)
    private func deliver(
        _ kind: WebSocketMessageKind,
        _ payload: Span<UInt8>,
        _ header: WebSocketFrameHeader,
        _ scratch: inout [UInt8],
        _ handle: Handler
    ) throws(WebSocketFault) {
        scratch.removeAll(keepingCapacity: true)
        WebSocketEncoder.appendHeader(kind.opcode, length: payload.count, to: &scratch)
        let headerBytes = scratch.count
        let seen = scratch.append(payload, maskedBy: header.key)
        if kind == .text, seen >= 0x80 {
            guard UTF8Validator.isValid(scratch.span.extracting(droppingFirst: headerBytes)) else { throw .text }
        }
        handle(.message(kind, headerBytes: headerBytes), scratch.span)
    }

    /// A whole message in the input that is not masked.
    private func deliver(
        _ kind: WebSocketMessageKind,
        _ payload: Span<UInt8>,
        _ handle: Handler,
        frame: Span<UInt8>
    ) throws(WebSocketFault) {
        if kind == .text {
            guard UTF8Validator.isValid(payload) else { throw .text }
        }
        handle(.message(kind, headerBytes: frame.count &- payload.count), frame)
    }

    /// Takes what the input has of the frame under way; returns where the input goes on.
    private mutating func readPayload(
        _ input: Span<UInt8>,
        from start: Int,
        _ scratch: inout [UInt8],
        _ handle: Handler
    ) throws(WebSocketFault) -> Int {
        guard var frame else { return start }
        let count = min(frame.remaining, input.count &- start)
        let bytes = input.extracting(start..<(start &+ count))
        if frame.opcode.isControl {
            _ = control.append(bytes, maskedBy: frame.key)
        } else if isCompressed {
            compressedBytes &+= count
            scratch.removeAll(keepingCapacity: true)
            _ = scratch.append(bytes, maskedBy: frame.key)
            try inflate(scratch.span)
        } else {
            let from = message.count
            let seen = message.append(bytes, maskedBy: frame.key)
            if seen >= 0x80 || !utf8.isComplete { try validate(from: from) }
        }
        frame.remaining &-= count
        frame.key = frame.key.rotatedRight(by: count)
        self.frame = frame
        guard frame.remaining == 0 else { return start &+ count }
        self.frame = nil
        if frame.opcode.isControl {
            try deliverControl(frame.opcode, handle)
        } else if frame.isFinal {
            try deliverMessage(handle)
        }
        return start &+ count
    }

    /// Takes a piece of a compressed message, or nil for its end.
    private mutating func inflate(_ bytes: Span<UInt8>?) throws(WebSocketFault) {
        let from = message.count
        // Not optional chaining: it would copy what can't be copied.
        guard var inflater = inflater.take() else { return }
        let left = maxMessageBytes &- payloadBytes
        let fault: WebSocketFault?
        if let bytes {
            fault = inflater.inflate(bytes, into: &message, maxBytes: left)
        } else {
            fault = inflater.finish(into: &message, maxBytes: left)
        }
        self.inflater = consume inflater
        // First, so that it makes no difference how the piece was cut.
        try validate(from: from)
        if let fault { throw fault }
    }

    private mutating func validate(from start: Int) throws(WebSocketFault) {
        guard kind == .text else { return }
        var validator = utf8
        guard validator.validate(message.span.extracting(droppingFirst: start)) else { throw .text }
        utf8 = validator
    }

    private mutating func deliverMessage(_ handle: Handler) throws(WebSocketFault) {
        guard let kind else { return }
        if isCompressed { try inflate(nil) }
        guard utf8.isComplete else { throw .text }
        var whole: [UInt8] = []
        swap(&whole, &message)
        self.kind = nil
        var header: [UInt8] = []
        let length = whole.count &- WebSocketEncoder.maxHeaderBytes
        WebSocketEncoder.appendHeader(kind.opcode, length: length, to: &header)
        let start = WebSocketEncoder.maxHeaderBytes &- header.count
        for index in header.indices { whole[start &+ index] = header[index] }
        handle(.message(kind, headerBytes: header.count), whole.span.extracting(droppingFirst: start))
    }

    private mutating func deliverControl(_ opcode: WebSocketOpcode, _ handle: Handler) throws(WebSocketFault) {
        var payload: [UInt8] = []
        swap(&payload, &control)
        switch opcode {
        case .ping: handle(.ping, payload.span)
        case .pong: handle(.pong, payload.span)
        default: try deliverClose(payload, handle)
        }
    }

    private mutating func deliverClose(_ payload: [UInt8], _ handle: Handler) throws(WebSocketFault) {
        guard payload.count != 1 else { throw .closeLength }
        guard payload.count >= 2 else {
            end()
            return handle(.close(nil), payload.span)
        }
        let code = WebSocketCloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
        guard code.isSendable else { throw .closeCode }
        let reason = payload.span.extracting(droppingFirst: 2)
        guard UTF8Validator.isValid(reason) else { throw .closeReason }
        end()
        handle(.close(code), reason)
    }
}

extension UInt32 {
    /// The key as it stands some bytes further on.
    fileprivate func rotatedRight(by bytes: Int) -> UInt32 {
        let bits = UInt32(truncatingIfNeeded: (bytes & 3) &* 8)
        return self >> bits | self << (32 &- bits)
    }
}
