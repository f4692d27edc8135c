// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// Writes frames byte for byte as the original does, where its spelling fits (MissionCommander wire, §2).
package enum FrameEncoder {
    private static let length = [UInt8](#"{"length": "#.utf8)
    private static let subject = [UInt8](#", "subject": "#.utf8)
    private static let compactLength = [UInt8](#"{"length":"#.utf8)
    private static let compactSubject = [UInt8](#","subject":""#.utf8)
    /// The body of a frame that says where the next one stands.
    private static let nothing = [UInt8]("{}".utf8)
    /// The subject of that frame.
    package static let positionSubject = "at"

    /// Appends one frame, header and body.
    ///
    /// In the body what is not ASCII is escaped, the rest stays as it is, blanks included. The header has the original's
    /// spelling; where that exceeds 64 bytes it is compact and in UTF-8, which the original reads as well.
    ///
    /// - Parameters:
    ///   - subject: any text.
    ///   - body: one valid JSON value (`JSONScanner.validate` tells); not checked here.
    ///   - mark: what the header says besides, in the compact spelling. Where a room's offset does not fit, a frame of
    ///     the server's own goes right before this one and says it.
    ///   - output: what the frame is appended to; unchanged after a throw.
    /// - Throws: ``MissionCommanderError`` `.invalidSubject` when neither spelling fits.
    package static func append(
        subject: String,
        body: Span<UInt8>,
        mark: FrameHeader.Mark? = nil,
        to output: inout [UInt8]
    ) throws(MissionCommanderError) {
        guard !body.isASCII else {
            try appendHeader(subject: subject, length: body.count, mark: mark, to: &output)
            return output.append(bytes: body)
        }
        var escaped: [UInt8] = []
        JSONWriter.append(json: body, to: &escaped)
        try appendHeader(subject: subject, length: escaped.count, mark: mark, to: &output)
        output.append(contentsOf: escaped)
    }

    /// Appends a header that has the mark, or what says the same; or throws and appends nothing.
    private static func appendHeader(
        subject text: String,
        length count: Int,
        mark: FrameHeader.Mark?,
        to output: inout [UInt8]
    ) throws(MissionCommanderError) {
        guard let mark else { return try appendHeader(subject: text, length: count, to: &output) }
        let start = output.count
        guard !appendMarked(subject: text, length: count, mark, to: &output) else { return }
        if case .room(let offset) = mark {
            _ = appendMarked(subject: positionSubject, length: nothing.count, .own(at: offset), to: &output)
            output.append(contentsOf: nothing)
        }
        do throws(MissionCommanderError) {
            try appendHeader(subject: text, length: count, to: &output)
        } catch {
            output.removeSubrange(start...)
            throw error
        }
    }

    /// Appends exactly 64 bytes with a mark; false, and nothing, where they are too few.
    private static func appendMarked(
        subject text: String,
        length count: Int,
        _ mark: FrameHeader.Mark,
        to output: inout [UInt8]
    ) -> Bool {
        let start = output.count
        output.append(contentsOf: compactLength)
        append(count, to: &output)
        output.append(contentsOf: compactSubject)
        appendCompact(text, to: &output)
        output.append(ASCII.quote)
        switch mark {
        case .room(let offset): output.append(contentsOf: ",\"at\":\(offset)".utf8)
        case .own(let offset?): output.append(contentsOf: ",\"own\":true,\"at\":\(offset)".utf8)
        case .own(nil): output.append(contentsOf: ",\"own\":true".utf8)
        }
        output.append(ASCII.closeBrace)
        guard output.count <= start + FrameHeader.byteCount else {
            output.removeSubrange(start...)
            return false
        }
        while output.count < start + FrameHeader.byteCount { output.append(0) }
        return true
    }

    /// Appends exactly 64 bytes, or throws and appends nothing.
    private static func appendHeader(
        subject text: String,
        length count: Int,
        to output: inout [UInt8]
    ) throws(MissionCommanderError) {
        let start = output.count
        let end = start + FrameHeader.byteCount
        output.append(contentsOf: length)
        append(count, to: &output)
        output.append(contentsOf: subject)
        JSONWriter.append(text, to: &output)
        output.append(ASCII.closeBrace)
        if output.count > end {
            output.removeSubrange(start...)
            output.append(contentsOf: compactLength)
            append(count, to: &output)
            output.append(contentsOf: compactSubject)
            appendCompact(text, to: &output)
            output.append(ASCII.quote)
            output.append(ASCII.closeBrace)
        }
        guard output.count <= end else {
            let excess = output.count - end
            output.removeSubrange(start...)
            throw MissionCommanderError(
                .invalidSubject,
                "The subject is \(excess) bytes too long for a header of 64 bytes with a body of \(count) bytes"
            )
        }
        while output.count < end { output.append(0) }
    }

    private static func append(_ number: Int, to output: inout [UInt8]) {
        var power = 1
        while power <= number / 10 { power *= 10 }
        var rest = number
        while power > 0 {
            output.append(ASCII.zero + UInt8(truncatingIfNeeded: rest / power))
            rest %= power
            power /= 10
        }
    }

    /// Appends a text in UTF-8, with nothing escaped but what JSON forbids.
    private static func appendCompact(_ text: String, to output: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case ASCII.quote, ASCII.backslash:
                output.append(ASCII.backslash)
                output.append(byte)
            case 0..<ASCII.space: JSONWriter.appendControl(byte, to: &output)
            default: output.append(byte)
            }
        }
    }
}

extension Span<UInt8> {
    /// Whether no byte is above 0x7F.
    var isASCII: Bool {
        var index = 0
        while index &+ 8 <= count {
            if word(at: index) & ByteWord.tops != 0 { return false }
            index &+= 8
        }
        while index < count {
            if self[index] >= 0x80 { return false }
            index &+= 1
        }
        return true
    }
}
