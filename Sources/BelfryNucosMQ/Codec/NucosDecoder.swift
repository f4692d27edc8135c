// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// Cuts a byte stream into messages at `_EOM_`, however it was cut on the way (nucosMQ wire, §2).
///
/// The cut comes first and JSON second, as in the original: an `_EOM_` written openly inside a text ends the part there.
/// A message that lies wholly in the input is read in place; only an unfinished end is copied, and a decoder without
/// one owns no memory. Nothing is scanned twice, however small the pieces are.
///
/// It is fed with `decode`. The handler may answer `.hold`: the rest then waits here until `resume`.
package struct NucosDecoder: ~Copyable {
    /// What has been cut off.
    package enum Part: Equatable, Sendable {
        /// A message; its bytes, `_EOM_` included, are handed along.
        case frame(NucosFrame)
        /// A part that is no message; it has been skipped, the stream goes on. No bytes are handed along.
        case malformed(NucosMalformed)
        /// A message exceeds the bound: the decoder has ended, the connection is to be closed.
        case tooLong
    }

    /// What to do after a part.
    package enum Disposition: Sendable {
        /// Go on with the next one.
        case next
        /// Keep the rest, unread, until `resume`.
        case hold
        /// Drop the rest and whatever still comes.
        case stop
    }

    /// Gets one part and, for a message, its bytes.
    package typealias Handler = (Part, Span<UInt8>) -> Disposition

    private enum State {
        case reading, held, ended
    }

    /// The longest message let through, in bytes with `_EOM_`.
    package let maxFrameBytes: Int
    /// Bytes that may pile up while the decoder is held, beyond those of the input in which `.hold` was answered.
    package let maxHeldBytes: Int

    private var state = State.reading
    /// The unfinished end, which never holds a whole terminator; while held, what has not been read.
    private var buffer: [UInt8] = []
    /// While held: the index of the first byte not read.
    private var heldStart = 0
    /// Of a connection that publishes.
    private var envelope = NucosEnvelope()

    /// A decoder at the beginning of a stream.
    ///
    /// - Parameters:
    ///   - maxFrameBytes: the longest message let through, in bytes with `_EOM_`; at least 1.
    ///   - maxHeldBytes: what may pile up while held. It is the shell's duty to stop reading, but a loop may have all its
    ///     receive buffers (4 MiB unless told otherwise) full of one connection's bytes by then.
    package init(maxFrameBytes: Int = 16 << 20, maxHeldBytes: Int = 16 << 20) {
        self.maxFrameBytes = max(1, maxFrameBytes)
        self.maxHeldBytes = max(0, maxHeldBytes)
    }

    /// Bytes kept in memory of the decoder's own.
    package var bufferedBytes: Int { buffer.count &- heldStart }

    /// Whether a handler answered `.hold` and `resume` has not been called since.
    package var isHeld: Bool { state == .held }

    /// Whether nothing more will come: after `.stop` or `.tooLong`.
    package var hasEnded: Bool { state == .ended }

    /// Takes the next bytes of the stream and calls the handler for each part that they complete, in order.
    ///
    /// While held they are only kept (`.tooLong` if they become too many); after the end they are dropped.
    package mutating func decode(_ input: Span<UInt8>, _ handle: Handler) {
        switch state {
        case .ended: return
        case .held: keepHeld(input, handle)
        case .reading:
            guard !buffer.isEmpty else { return read(input, from: 0, handle) }
            readBuffered(input, handle)
        }
    }

    /// Goes on after `.hold`; does nothing otherwise.
    package mutating func resume(_ handle: Handler) {
        guard state == .held else { return }
        state = .reading
        var backlog: [UInt8] = []
        swap(&backlog, &buffer)
        let start = heldStart
        heldStart = 0
        switch cut(backlog.span, from: start, handle) {
        case .ended: state = .ended
        case .unfinished(let tail): keepTail(backlog.span, from: tail, handle)
        case .held(let next):
            // Not copied again, so holding after each message of a long backlog costs nothing.
            state = .held
            if next < backlog.count {
                heldStart = next
                buffer = backlog
            }
        }
    }

    /// How a walk over contiguous bytes ended.
    private enum Outcome {
        case unfinished(Int), held(Int), ended
    }

    /// Calls the handler for each part of contiguous bytes.
    private mutating func cut(_ bytes: Span<UInt8>, from first: Int, _ handle: Handler) -> Outcome {
        var start = first
        while let end = NucosTerminator.end(in: bytes, from: start) {
            switch deliver(bytes.extracting(start..<end), handle) {
            case .next: start = end
            case .hold: return .held(end)
            case .stop: return .ended
            }
        }
        return .unfinished(start)
    }

    /// Reads one part that ends in `_EOM_` and hands it on.
    @inline(__always)
    private mutating func deliver(_ part: Span<UInt8>, _ handle: Handler) -> Disposition {
        guard part.count <= maxFrameBytes else {
            _ = handle(.tooLong, part.extracting(0..<0))
            return .stop
        }
        if let frame = envelope.frame(of: part) { return handle(.frame(frame), part) }
        do throws(NucosMalformed) {
            return handle(.frame(envelope.note(try NucosFrame.parse(part), part)), part)
        } catch {
            var malformed = error
            malformed.length = part.count
            return handle(.malformed(malformed), part.extracting(0..<0))
        }
    }

    /// Reads an input before which nothing is unfinished.
    private mutating func read(_ input: Span<UInt8>, from start: Int, _ handle: Handler) {
        switch cut(input, from: start, handle) {
        case .ended: state = .ended
        case .unfinished(let tail): keepTail(input, from: tail, handle)
        case .held(let next): hold(input, from: next)
        }
    }

    /// Reads an input whose first bytes belong to the unfinished message in the buffer.
    private mutating func readBuffered(_ input: Span<UInt8>, _ handle: Handler) {
        // The buffer holds no terminator, so one that is new ends in the input.
        let crossing = NucosTerminator.endCrossing(from: buffer.span, into: input)
        guard let end = crossing ?? NucosTerminator.end(in: input, from: 0) else {
            // It takes at least one more byte than there are.
            guard buffer.count + input.count < maxFrameBytes else { return endTooLong(input, handle) }
            buffer.append(bytes: input)
            return
        }
        guard buffer.count + end <= maxFrameBytes else { return endTooLong(input, handle) }
        var message: [UInt8] = []
        swap(&message, &buffer)
        message.append(bytes: input.extracting(0..<end))
        switch deliver(message.span, handle) {
        case .next: read(input, from: end, handle)
        case .hold: hold(input, from: end)
        case .stop: state = .ended
        }
    }

    private mutating func keepTail(_ bytes: Span<UInt8>, from start: Int, _ handle: Handler) {
        guard start < bytes.count else { return }
        let tail = bytes.extracting(start..<bytes.count)
        guard tail.count < maxFrameBytes else { return endTooLong(bytes, handle) }
        buffer = [UInt8](bytes: tail)
    }

    private mutating func hold(_ input: Span<UInt8>, from start: Int) {
        state = .held
        if start < input.count { buffer = [UInt8](bytes: input.extracting(start..<input.count)) }
    }

    private mutating func keepHeld(_ input: Span<UInt8>, _ handle: Handler) {
        guard bufferedBytes + input.count <= maxHeldBytes else { return endTooLong(input, handle) }
        buffer.append(bytes: input)
    }

    private mutating func endTooLong(_ bytes: Span<UInt8>, _ handle: Handler) {
        state = .ended
        buffer = []
        heldStart = 0
        _ = handle(.tooLong, bytes.extracting(0..<0))
    }
}
