// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Cuts a byte stream into lines and reads them, however it was cut on the way.
///
/// A line ends in LF, with or without CR before it; empty ones are skipped (RFC 2812, 2.3). Only an unfinished end is
/// kept, never more than a line may have.
package struct IRCDecoder: ~Copyable {
    /// What came.
    package enum Part: Sendable, Hashable {
        /// A message.
        case message(IRCMessage)
        /// A line that is none; it has been skipped, the stream goes on.
        case malformed(IRCMalformed)
    }

    /// The longest line without tags, in bytes with its end.
    package let maxLineBytes: Int
    /// The longest tags, in bytes with `@` and the space behind them.
    package let maxTagsBytes: Int

    private var buffer: [UInt8] = []
    /// The line is too long: all up to its end is dropped.
    private var isSkipping = false

    /// A decoder at the beginning of a stream.
    ///
    /// - Parameters:
    ///   - maxLineBytes: The longest line without tags, in bytes with its end; at least 3.
    ///   - maxTagsBytes: The longest tags, in bytes with `@` and the space behind them.
    package init(maxLineBytes: Int = IRCLimits.lineBytes, maxTagsBytes: Int = IRCLimits.tagsBytes) {
        self.maxLineBytes = max(3, maxLineBytes)
        self.maxTagsBytes = max(0, maxTagsBytes)
    }

    /// Bytes kept in memory of the decoder's own.
    package var bufferedBytes: Int { buffer.count }

    /// Takes the next bytes of the stream and calls the handler for each line that they complete, in order.
    package mutating func decode(_ input: Span<UInt8>, _ handle: (Part) -> Void) {
        var start = 0
        for index in input.indices where input[index] == Byte.lf {
            keep(input.extracting(start..<index))
            endLine(handle)
            start = index + 1
        }
        keep(input.extracting(start..<input.count))
    }

    private mutating func keep(_ bytes: Span<UInt8>) {
        guard !isSkipping, !bytes.isEmpty else { return }
        let hasTags = (buffer.first ?? bytes[0]) == Byte.at
        // With the LF that is still to come.
        let bound = hasTags ? maxTagsBytes.addingReportingOverflow(maxLineBytes).partialValue : maxLineBytes
        guard buffer.count + bytes.count < max(bound, maxLineBytes) else {
            buffer = []
            isSkipping = true
            return
        }
        for index in bytes.indices { buffer.append(bytes[index]) }
    }

    private mutating func endLine(_ handle: (Part) -> Void) {
        defer { buffer.removeAll(keepingCapacity: true) }
        if isSkipping {
            isSkipping = false
            return handle(.malformed(.tooLong))
        }
        if buffer.last == Byte.cr { buffer.removeLast() }
        guard !buffer.isEmpty else { return }
        guard fits(buffer) else { return handle(.malformed(.tooLong)) }
        do throws(IRCMalformed) {
            handle(.message(try IRCMessage(line: buffer)))
        } catch {
            handle(.malformed(error))
        }
    }

    /// Whether tags and the rest, each by itself, are as long as they may be; CR and LF count for the rest.
    private func fits(_ line: [UInt8]) -> Bool {
        guard line[0] == Byte.at else { return line.count + 2 <= maxLineBytes }
        var end = 0
        while end < line.count, line[end] != Byte.space { end += 1 }
        let tags = min(end + 1, line.count)
        return tags <= maxTagsBytes && line.count - tags + 2 <= maxLineBytes
    }
}
