// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

extension NucosFrame {
    /// Reads one message.
    ///
    /// As in Python, the last of several members of one name counts, escapes in names are decoded, and further members
    /// are let through. Stricter than the original: JSON's grammar is kept (no `NaN`), and a room that is neither
    /// string nor null is malformed.
    ///
    /// - Parameter bytes: one message, `_EOM_` included.
    /// - Throws: the first rule that is broken.
    package static func parse(_ bytes: Span<UInt8>) throws(NucosMalformed) -> NucosFrame {
        let body = bytes.extracting(0..<max(0, bytes.count &- NucosTerminator.count))
        let members: Members
        do throws(JSONFault) {
            members = try readMessage(body)
        } catch {
            throw NucosMalformed(.json(error.rule), at: error.offset)
        }
        guard members.isObject else { throw NucosMalformed(.notAnObject, at: 0) }
        guard members.hasData else { throw NucosMalformed(.noData, at: body.count) }
        guard let event = members.event else { throw NucosMalformed(.noEvent, at: body.count) }
        guard event.kind != .object, event.kind != .array else {
            throw NucosMalformed(.eventNotScalar, at: event.range.lowerBound)
        }
        guard let content = members.content else { throw NucosMalformed(.noContent, at: body.count) }
        var room: JSONText?
        if let value = members.room, value.kind != .null {
            guard value.kind == .string else { throw NucosMalformed(.roomNotString, at: value.range.lowerBound) }
            if !value.text.isEmpty { room = value.text }
        }
        return NucosFrame(
            event: event,
            content: content,
            room: room,
            resume: members.resume?.kind == .string ? members.resume?.text : nil,
            offset: members.offset?.kind == .number ? members.offset?.text : nil,
            length: bytes.count
        )
    }

    /// The members that count, as they are found.
    private struct Members {
        var isObject = false
        var hasData = false
        var event: JSONValue?
        var content: JSONValue?
        var room: JSONValue?
        var resume: JSONValue?
        var offset: JSONValue?
    }

    /// Reads the outer object, and what it is wrapped in.
    @inline(__always)
    private static func readMessage(_ body: Span<UInt8>) throws(JSONFault) -> Members {
        var members = Members()
        var scanner = JSONScanner()
        scanner.skipWhitespace(body)
        guard try scanner.peek(body) == ASCII.openBrace else {
            _ = try scanner.value(body)
            try expectEnd(&scanner, body)
            return members
        }
        members.isObject = true
        var hasMember = try scanner.enterObject(body)
        while hasMember {
            let name = try scanner.name(body)
            if name.shortName(in: body) == ShortName("d", "a", "t", "a") {
                // The last one counts, so nothing of an earlier one may stay.
                members = Members(isObject: true)
                if try scanner.peek(body) == ASCII.openBrace {
                    members.hasData = true
                    try readData(&scanner, body, into: &members)
                } else {
                    _ = try scanner.value(body)
                }
            } else {
                _ = try scanner.value(body)
            }
            hasMember = try scanner.nextMember(body)
        }
        try expectEnd(&scanner, body)
        return members
    }

    /// Reads the object in the member `data`.
    @inline(__always)
    private static func readData(
        _ scanner: inout JSONScanner,
        _ body: Span<UInt8>,
        into members: inout Members
    ) throws(JSONFault) {
        var hasMember = try scanner.enterObject(body)
        while hasMember {
            let name = try scanner.name(body).shortName(in: body)
            let value = try scanner.value(body)
            switch name {
            case ShortName("e", "v", "e", "n", "t"): members.event = value
            case ShortName("c", "o", "n", "t", "e", "n", "t"): members.content = value
            case ShortName("r", "o", "o", "m"): members.room = value
            case ShortName("a", "t"): members.offset = value
            case ShortName("r", "e", "s", "u", "m", "e"): members.resume = value
            default: break
            }
            hasMember = try scanner.nextMember(body)
        }
    }

    private static func expectEnd(_ scanner: inout JSONScanner, _ body: Span<UInt8>) throws(JSONFault) {
        scanner.skipWhitespace(body)
        guard scanner.position == body.count else { throw JSONFault(.trailingBytes, at: scanner.position) }
    }
}
