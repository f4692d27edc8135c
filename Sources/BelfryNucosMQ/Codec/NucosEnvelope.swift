// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// What a message has around its content, and what was found there.
///
/// Who publishes much writes the same bytes around each content: then only the content has to be read, and the rest to be
/// compared. What comes out is what `NucosFrame.parse` would have said.
struct NucosEnvelope {
    /// Bytes before and behind the content that are worth keeping for each connection.
    static let maxBytes = 256

    /// Apart, as most connections never publish.
    private final class Known {
        /// The message that it was taken from.
        let frame: NucosFrame
        /// What stands before the content, then what stands behind it.
        let bytes: [UInt8]
        let headCount: Int

        init(_ frame: NucosFrame, _ part: Span<UInt8>) {
            let content = frame.content.range
            var bytes: [UInt8] = []
            bytes.reserveCapacity(part.count - content.count)
            bytes.append(bytes: part.extracting(0..<content.lowerBound))
            bytes.append(bytes: part.extracting(content.upperBound..<part.count))
            self.frame = frame
            self.bytes = bytes
            headCount = content.lowerBound
        }
    }

    private var known: Known?
    private var misses: UInt8 = 0

    /// Reads a message that has the same bytes around its content; nil for any other.
    @inline(__always)
    mutating func frame(of part: Span<UInt8>) -> NucosFrame? {
        guard let known, part.count > known.bytes.count else { return nil }
        let (kept, head) = (known.bytes, known.headCount)
        let bytes = kept.span
        let end = part.count &- (bytes.count &- head)
        guard part.extracting(0..<head).matches(bytes.extracting(0..<head)),
            part.extracting(end..<part.count).matches(bytes.extracting(head..<bytes.count))
        else { return nil }
        var scanner = JSONScanner(at: head)
        guard let content = try? scanner.value(part), scanner.position == end else { return nil }
        misses = 0
        return known.frame.with(content: content, length: part.count)
    }

    /// Notes what stands around the content of a message; returns the message with the envelope's number.
    ///
    /// Not of each one: a sender that never repeats itself should not pay for it.
    mutating func note(_ frame: NucosFrame, _ part: Span<UInt8>) -> NucosFrame {
        misses &+= 1
        guard frame.room != nil, misses & 15 == 1, part.count &- frame.content.range.count <= Self.maxBytes else {
            return frame
        }
        var numbered = frame
        numbered.envelope = (known?.frame.envelope ?? 0) &+ 1
        known = Known(numbered, part)
        return numbered
    }
}

extension NucosFrame {
    /// The same message around another content.
    @inline(__always)
    fileprivate func with(content new: JSONValue, length: Int) -> NucosFrame {
        let change = length &- self.length
        let end = content.range.lowerBound
        return NucosFrame(
            event: event.moved(by: change, behind: end),
            content: new,
            room: room?.moved(by: change, behind: end),
            resume: resume?.moved(by: change, behind: end),
            offset: offset?.moved(by: change, behind: end),
            length: length,
            envelope: envelope
        )
    }
}

extension JSONValue {
    @inline(__always)
    fileprivate func moved(by change: Int, behind end: Int) -> JSONValue {
        JSONValue(kind: kind, range: range.moved(by: change, behind: end), isPlain: isPlain)
    }
}

extension JSONText {
    @inline(__always)
    fileprivate func moved(by change: Int, behind end: Int) -> JSONText {
        JSONText(range: range.moved(by: change, behind: end), isPlain: isPlain)
    }
}

extension Range<Int> {
    /// The range elsewhere, if it begins behind an index.
    @inline(__always)
    fileprivate func moved(by change: Int, behind end: Int) -> Range {
        lowerBound > end ? lowerBound &+ change..<upperBound &+ change : self
    }
}
