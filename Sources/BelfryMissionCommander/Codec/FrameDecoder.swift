// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryJSON

/// Cuts a byte stream into frames, however it was cut on the way, without any deadline (MissionCommander wire, §2).
///
/// A frame that lies wholly in the input is read in place; only an unfinished one is copied, and memory grows with what
/// arrives, not with what a header promises. A decoder without an unfinished frame owns no memory. Nothing is scanned
/// twice, however small the pieces are.
///
/// It is fed with `decode`. The handler may answer `.hold`: the rest then waits here until `resume`.
package struct FrameDecoder: ~Copyable {
    /// What has been cut off.
    package enum Part: Equatable, Sendable {
        /// A frame; the bytes handed along are its body, in which `value` is the JSON value without blanks around it.
        case frame(subject: String, value: JSONValue)
        /// The same with a mark in its header; who does not look for marks takes it as any other.
        case marked(FrameHeader.Mark, subject: String, value: JSONValue)
        /// A frame whose body is no JSON; it has been skipped, the stream goes on. No bytes are handed along.
        case malformed(subject: String, JSONFault)
        /// The header of a frame can't be read: the decoder has ended, the connection is to be closed.
        case unreadable(FrameFault)
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

    /// Gets one part and, for a frame, its body.
    package typealias Handler = (Part, Span<UInt8>) -> Disposition

    private enum State {
        case reading, held, ended
    }

    /// The longest body let through, in bytes.
    package let maxBodyBytes: Int
    /// Bytes that may pile up while the decoder is held, beyond those of the input in which `.hold` was answered.
    package let maxHeldBytes: Int

    private var state = State.reading
    /// The bound of the next body.
    private var nextMaxBytes: Int
    /// Of the frame whose body is under way.
    private var header: FrameHeader?
    /// What has come of a header, or of its body.
    private var buffer: [UInt8] = []
    /// While held: what has not been read, from `backlogStart` on.
    private var backlog: [UInt8] = []
    private var backlogStart = 0

    /// A decoder at the beginning of a stream.
    ///
    /// - Parameters:
    ///   - maxBodyBytes: the longest body let through.
    ///   - maxFirstBodyBytes: the longest body of the first frame, if a narrower bound is wanted.
    ///   - maxHeldBytes: what may pile up while held; it is the shell's duty to stop reading long before.
    package init(maxBodyBytes: Int = 16 << 20, maxFirstBodyBytes: Int = .max, maxHeldBytes: Int = 1 << 20) {
        self.maxBodyBytes = maxBodyBytes
        nextMaxBytes = min(maxBodyBytes, maxFirstBodyBytes)
        self.maxHeldBytes = max(0, maxHeldBytes)
    }

    /// Bytes kept in memory of the decoder's own.
    package var bufferedBytes: Int { buffer.count &+ backlog.count &- backlogStart }

    /// Whether a handler answered `.hold` and `resume` has not been called since.
    package var isHeld: Bool { state == .held }

    /// Whether nothing more will come: after `.stop` or `.unreadable`.
    package var hasEnded: Bool { state == .ended }

    /// Takes the next bytes of the stream and calls the handler for each part that they complete, in order.
    ///
    /// While held they are only kept (`.unreadable` if they become too many); after the end they are dropped.
    package mutating func decode(_ input: Span<UInt8>, _ handle: Handler) {
        switch state {
        case .ended: return
        case .held:
            guard bufferedBytes + input.count <= maxHeldBytes else {
                end()
                _ = handle(.unreadable(FrameFault(.tooMuchHeld, at: 0)), input.extracting(0..<0))
                return
            }
            backlog.append(bytes: input)
        case .reading:
            let next = read(input, from: 0, handle)
            if state == .held, next < input.count { backlog = [UInt8](bytes: input.extracting(next..<input.count)) }
        }
    }

    /// Goes on after `.hold`; does nothing otherwise.
    package mutating func resume(_ handle: Handler) {
        guard state == .held else { return }
        state = .reading
        var waiting: [UInt8] = []
        swap(&waiting, &backlog)
        let next = read(waiting.span, from: backlogStart, handle)
        backlogStart = 0
        // Not copied again, so holding after each frame of a long backlog costs nothing.
        guard state == .held, next < waiting.count else { return }
        backlog = waiting
        backlogStart = next
    }

    /// Reads frames until the input or the handler's patience ends; returns the index of the first byte not read.
    private mutating func read(_ input: Span<UInt8>, from start: Int, _ handle: Handler) -> Int {
        var index = start
        while state == .reading {
            guard let header else {
                guard takeHeader(input, &index, handle) else { return index }
                continue
            }
            let missing = header.length &- buffer.count
            guard input.count &- index >= missing else {
                buffer.append(bytes: input.extracting(index..<input.count))
                return input.count
            }
            let rest = input.extracting(index..<(index &+ missing))
            index &+= missing
            self.header = nil
            if buffer.isEmpty {
                deliver(header, rest, handle)
            } else {
                var body: [UInt8] = []
                swap(&body, &buffer)
                body.append(bytes: rest)
                deliver(header, body.span, handle)
            }
        }
        return index
    }

    /// Reads a header; false when the input ends first, or the header is wrong.
    @inline(__always)
    private mutating func takeHeader(_ input: Span<UInt8>, _ index: inout Int, _ handle: Handler) -> Bool {
        let missing = FrameHeader.byteCount &- buffer.count
        guard input.count &- index >= missing else {
            if index < input.count { buffer.append(bytes: input.extracting(index..<input.count)) }
            index = input.count
            return false
        }
        let rest = input.extracting(index..<(index &+ missing))
        index &+= missing
        do throws(FrameFault) {
            if buffer.isEmpty {
                header = try FrameHeader.parse(rest, maxBodyBytes: nextMaxBytes)
            } else {
                var bytes: [UInt8] = []
                swap(&bytes, &buffer)
                bytes.append(bytes: rest)
                header = try FrameHeader.parse(bytes.span, maxBodyBytes: nextMaxBytes)
            }
            nextMaxBytes = maxBodyBytes
            return true
        } catch {
            end()
            _ = handle(.unreadable(error), input.extracting(0..<0))
            return false
        }
    }

    private mutating func deliver(_ header: FrameHeader, _ body: Span<UInt8>, _ handle: Handler) {
        let disposition: Disposition
        do throws(JSONFault) {
            let value = try JSONScanner.validate(body)
            let part: Part =
                header.mark.map { .marked($0, subject: header.subject, value: value) }
                ?? .frame(subject: header.subject, value: value)
            disposition = handle(part, body)
        } catch {
            disposition = handle(.malformed(subject: header.subject, error), body.extracting(0..<0))
        }
        switch disposition {
        case .next: break
        case .hold: state = .held
        case .stop: end()
        }
    }

    private mutating func end() {
        state = .ended
        header = nil
        buffer = []
        backlog = []
        backlogStart = 0
    }
}
