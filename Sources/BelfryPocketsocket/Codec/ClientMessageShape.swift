// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// What a client's text has around its `id` and its `data`, and what was found there.
///
/// Who says much writes the same bytes around them each time: then only those two values have to be read, and the rest to
/// be compared. What comes out is what `ClientMessage.init` would have said.
struct ClientMessageShape {
    /// Bytes around the two values that are worth keeping for each client.
    static let maxBytes = 256

    /// Apart, as most clients say little.
    private final class Known {
        /// The text that it was taken from.
        let message: ClientMessage
        /// What stands before the first value, between the two, and behind the second.
        let bytes: [UInt8]
        let headCount: Int
        let middleCount: Int
        /// The two values' places in that text.
        let first: Range<Int>
        let second: Range<Int>

        init(_ message: ClientMessage, _ first: Range<Int>, _ second: Range<Int>, _ text: Span<UInt8>) {
            var bytes: [UInt8] = []
            bytes.append(bytes: text.extracting(0..<first.lowerBound))
            bytes.append(bytes: text.extracting(first.upperBound..<second.lowerBound))
            bytes.append(bytes: text.extracting(second.upperBound..<text.count))
            self.message = message
            self.bytes = bytes
            self.first = first
            self.second = second
            headCount = first.lowerBound
            middleCount = second.lowerBound - first.upperBound
        }
    }

    private var known: Known?
    private var misses: UInt8 = 0

    /// Reads a text, by comparing where that will do.
    @inline(__always)
    mutating func message(of text: Span<UInt8>) -> ClientMessage {
        if let known, let message = Self.compare(text, known) {
            misses = 0
            return message
        }
        let message = ClientMessage(text)
        note(message, text)
        return message
    }

    @inline(__always)
    private static func compare(_ text: Span<UInt8>, _ known: Known) -> ClientMessage? {
        let (kept, head, middle) = (known.bytes, known.headCount, known.middleCount)
        let bytes = kept.span
        guard text.count > bytes.count, text.extracting(0..<head).matches(bytes.extracting(0..<head)) else {
            return nil
        }
        var scanner = JSONScanner(at: head)
        guard let first = try? scanner.value(text) else { return nil }
        let between = scanner.position
        let tail = text.count &- (bytes.count &- head &- middle)
        guard between &+ middle <= tail,
            text.extracting(between..<(between &+ middle)).matches(bytes.extracting(head..<(head &+ middle))),
            text.extracting(tail..<text.count).matches(bytes.extracting((head &+ middle)..<bytes.count))
        else { return nil }
        scanner.position = between &+ middle
        guard let second = try? scanner.value(text), scanner.position == tail else { return nil }
        return known.message.with(first.range, second.range, insteadOf: known.first, known.second)
    }

    /// Notes what stands around the values; not of each text: a client that never repeats itself should not pay for it.
    private mutating func note(_ message: ClientMessage, _ text: Span<UInt8>) {
        misses &+= 1
        guard misses & 15 == 1, message.isObject, let id = message.id, let data = message.data else { return }
        guard text.count &- id.count &- data.count <= Self.maxBytes else { return }
        let isInOrder = id.lowerBound < data.lowerBound
        known = Known(message, isInOrder ? id : data, isInOrder ? data : id, text)
    }
}

extension ClientMessage {
    /// The same around two other values.
    @inline(__always)
    fileprivate func with(
        _ newFirst: Range<Int>,
        _ newSecond: Range<Int>,
        insteadOf first: Range<Int>,
        _ second: Range<Int>
    ) -> ClientMessage {
        var new = self
        let isInOrder = id == first
        new.id = isInOrder ? newFirst : newSecond
        new.data = isInOrder ? newSecond : newFirst
        if let message {
            let start = message.range.lowerBound
            let change =
                start < first.lowerBound
                ? 0
                : start < second.lowerBound
                    ? newFirst.upperBound &- first.upperBound : newSecond.upperBound &- second.upperBound
            new.message = JSONText(
                range: start &+ change..<message.range.upperBound &+ change,
                isPlain: message.isPlain
            )
        }
        return new
    }
}
