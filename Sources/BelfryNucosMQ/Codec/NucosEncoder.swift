// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// Writes messages byte for byte as the original does (nucosMQ wire, §2 and §10).
package enum NucosEncoder {
    private static let head = [UInt8](#"{"data": {"event": "#.utf8)
    private static let beforeContent = [UInt8](#", "content": "#.utf8)
    private static let beforeRoom = [UInt8](#", "room": "#.utf8)
    private static let tail = [UInt8]("}}_EOM_".utf8)

    /// Appends one message.
    ///
    /// Event and room are escaped as `JSONWriter` does. In the content `_EOM_` and what is not ASCII are escaped, the
    /// rest stays as it is, white space included.
    ///
    /// - Parameters:
    ///   - event: any text.
    ///   - content: one valid JSON value (`JSONScanner.validate` tells); not checked here.
    ///   - room: absent on the wire when nil or empty.
    ///   - output: what the message is appended to.
    package static func append(
        event: String,
        content: Span<UInt8>,
        room: String? = nil,
        to output: inout [UInt8]
    ) {
        start(event: event, to: &output)
        JSONWriter.append(json: content, hidingEOM: true, to: &output)
        finish(room: room, to: &output)
    }

    /// Appends one message whose content is a text.
    ///
    /// - Parameters:
    ///   - event: any text.
    ///   - text: the content, written as a JSON string.
    ///   - room: absent on the wire when nil or empty.
    ///   - output: what the message is appended to.
    package static func append(
        event: String,
        text: String,
        room: String? = nil,
        to output: inout [UInt8]
    ) {
        start(event: event, to: &output)
        JSONWriter.append(text, hidingEOM: true, to: &output)
        finish(room: room, to: &output)
    }

    /// One message whose content is written as JSON already.
    package static func frame(event: String, content: Span<UInt8>, room: String? = nil) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(content.count + event.utf8.count + (room?.utf8.count ?? 0) + 64)
        append(event: event, content: content, room: room, to: &output)
        return output
    }

    /// One message whose content is a text.
    package static func frame(event: String, text: String, room: String? = nil) -> [UInt8] {
        var output: [UInt8] = []
        append(event: event, text: text, room: room, to: &output)
        return output
    }

    /// A subscription that resumes: the wire's §3, and a member `resume` that original servers do not look at.
    package static func subscription(_ room: String, resume: String) -> [UInt8] {
        var output: [UInt8] = []
        start(event: "subscripe", to: &output)
        JSONWriter.append(room, hidingEOM: true, to: &output)
        output.append(contentsOf: [UInt8](#", "resume": "#.utf8))
        JSONWriter.append(resume, hidingEOM: true, to: &output)
        output.append(contentsOf: tail)
        return output
    }

    /// Gives a message that was written by this type a last member `at`.
    package static func insert(offset: UInt64, into message: inout [UInt8]) {
        message.removeLast(min(message.count, tail.count))
        message.append(contentsOf: ", \"at\": \(offset)".utf8)
        message.append(contentsOf: tail)
    }

    private static func start(event: String, to output: inout [UInt8]) {
        output.append(contentsOf: head)
        JSONWriter.append(event, hidingEOM: true, to: &output)
        output.append(contentsOf: beforeContent)
    }

    private static func finish(room: String?, to output: inout [UInt8]) {
        if let room, !room.isEmpty {
            output.append(contentsOf: beforeRoom)
            JSONWriter.append(room, hidingEOM: true, to: &output)
        }
        output.append(contentsOf: tail)
    }
}
