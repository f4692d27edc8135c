// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// The first 64 bytes of a frame, read (MissionCommander wire, §2).
package struct FrameHeader: Equatable, Sendable {
    /// Bytes of a header on the wire.
    package static let byteCount = 64

    /// What the message is about; lone surrogates have become U+FFFD.
    package let subject: String
    /// Bytes of the body that follows.
    package let length: Int
    /// What a server of ours adds for clients that resume; nil in every other frame.
    package var mark: Mark?

    /// Where a frame stands, or that the server itself says it: ours, not the original's.
    ///
    /// Headers are written by the server alone, so nobody can give a message of theirs a mark.
    package enum Mark: Equatable, Sendable {
        /// A message of the server's room, at an offset: `"at": 17`.
        case room(at: UInt64)
        /// Something of the server's own, perhaps about an offset: `"own": true`, and perhaps `"at": 17`.
        case own(at: UInt64?)
    }

    /// Reads a header.
    ///
    /// As the original does: UTF-8 first, then every NUL is removed wherever it stands, then JSON. Blanks, further
    /// members and another order are let through; of two members of one name the last counts.
    ///
    /// - Parameters:
    ///   - bytes: the 64 bytes.
    ///   - maxBodyBytes: the longest body let through.
    /// - Throws: the first rule that is broken.
    package static func parse(_ bytes: Span<UInt8>, maxBodyBytes: Int) throws(FrameFault) -> FrameHeader {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes)
        } catch {
            throw FrameFault(.notUTF8, at: error.byteOffsets.lowerBound)
        }
        var end = bytes.count
        while end > 0, bytes[end &- 1] == 0 { end &-= 1 }
        let text = bytes.extracting(0..<end)
        guard let first = text.indices.first(where: { text[$0] == 0 }) else {
            return try read(text, maxBodyBytes)
        }
        // NULs inside are nothing that any known peer writes.
        var kept = [UInt8](bytes: text.extracting(0..<first))
        for index in first..<end where text[index] != 0 { kept.append(text[index]) }
        do throws(FrameFault) {
            return try read(kept.span, maxBodyBytes)
        } catch {
            var offset = 0
            var left = error.offset
            while offset < end, left > 0 || text[offset] == 0 {
                if text[offset] != 0 { left &-= 1 }
                offset &+= 1
            }
            throw FrameFault(error.rule, at: offset)
        }
    }

    private static func read(_ text: Span<UInt8>, _ maxBodyBytes: Int) throws(FrameFault) -> FrameHeader {
        var length: JSONValue?
        var subject: JSONValue?
        var (at, isOwn): (UInt64?, Bool) = (nil, false)
        do throws(JSONFault) {
            var scanner = JSONScanner()
            scanner.skipWhitespace(text)
            guard try scanner.peek(text) == ASCII.openBrace else {
                _ = try JSONScanner.validate(text)
                throw JSONFault(.unexpectedByte, at: scanner.position)
            }
            scanner.position &+= 1
            scanner.skipWhitespace(text)
            var hasMember = try scanner.peek(text) != ASCII.closeBrace
            while hasMember {
                let name = try scanner.name(text).shortName(in: text)
                let value = try scanner.value(text)
                if name == ShortName("l", "e", "n", "g", "t", "h") { length = value }
                if name == ShortName("s", "u", "b", "j", "e", "c", "t") { subject = value }
                if name == ShortName("a", "t") { at = offset(value, text) }
                if name == ShortName("o", "w", "n") {
                    isOwn = value.kind == .boolean && text[value.range.lowerBound] == UInt8(ascii: "t")
                }
                scanner.skipWhitespace(text)
                hasMember = try scanner.peek(text) == ASCII.comma
                if hasMember {
                    scanner.position &+= 1
                    scanner.skipWhitespace(text)
                }
            }
            try scanner.expect(ASCII.closeBrace, text)
            scanner.skipWhitespace(text)
            guard scanner.position == text.count else { throw JSONFault(.trailingBytes, at: scanner.position) }
        } catch {
            throw FrameFault(.notJSON(error.rule), at: error.offset)
        }
        guard let length else { throw FrameFault(.noLength, at: text.count) }
        guard let subject else { throw FrameFault(.noSubject, at: text.count) }
        guard subject.kind == .string else { throw FrameFault(.subjectNotString, at: subject.range.lowerBound) }
        return FrameHeader(
            subject: subject.text.string(in: text),
            length: try number(length, text, maxBodyBytes),
            mark: isOwn ? .own(at: at) : at.map { .room(at: $0) }
        )
    }

    /// A whole number that is an offset; nil for anything else, which is nobody's fault.
    private static func offset(_ value: JSONValue, _ text: Span<UInt8>) -> UInt64? {
        guard value.kind == .number else { return nil }
        var number: UInt64 = 0
        for index in value.range {
            guard (ASCII.zero...ASCII.nine).contains(text[index]) else { return nil }
            let (tenfold, overflows) = number.multipliedReportingOverflow(by: 10)
            let (sum, carries) = tenfold.addingReportingOverflow(UInt64(text[index] &- ASCII.zero))
            guard !overflows, !carries else { return nil }
            number = sum
        }
        return number
    }

    /// A JSON number that counts bytes.
    private static func number(
        _ value: JSONValue,
        _ text: Span<UInt8>,
        _ maxBodyBytes: Int
    ) throws(FrameFault) -> Int {
        let start = value.range.lowerBound
        guard value.kind == .number else { throw FrameFault(.lengthNotInteger, at: start) }
        guard text[start] != ASCII.minus else { throw FrameFault(.lengthNegative, at: start) }
        var number = 0
        for index in value.range {
            // A dot or an exponent: the original takes neither.
            guard (ASCII.zero...ASCII.nine).contains(text[index]) else {
                throw FrameFault(.lengthNotInteger, at: start)
            }
            // At most 64 digits come here, and the sum stays below ten times the bound and nine.
            let (tenfold, overflows) = number.multipliedReportingOverflow(by: 10)
            number = tenfold &+ Int(text[index] &- ASCII.zero)
            guard !overflows, number >= 0, number <= maxBodyBytes else { throw FrameFault(.lengthTooLarge, at: start) }
        }
        return number
    }
}
