// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryJSON

/// MissionCommander as a wire format of rooms: event ↔ subject, payload ↔ body.
///
/// What a header can't carry (an event too long for it, or `shutdown`, which would end the clients) goes as a message
/// with the subject `message` and the body `{"event": …, "content": …}`.
struct MissionCommanderFormat: WireFormat {
    let name = "missioncommander"

    static let wrappingSubject = "message"
    static let gapSubject = "gap"

    /// A JSON payload goes as it is, whatever value it is; a text as a JSON string, bytes as one of base64.
    func encode(room: String, event: String, payload: Payload, into frame: inout [UInt8]) {
        append(event, payload, nil, to: &frame)
    }

    /// The same with a mark in the header.
    func append(_ event: String, _ payload: Payload, _ mark: FrameHeader.Mark?, to frame: inout [UInt8]) {
        if payload.kind == .json {
            append(event, payload.bytes.span, mark, to: &frame)
        } else {
            let body = FrameEncoder.bodyBytes(of: payload)
            append(event, body.span, mark, to: &frame)
        }
    }

    private func append(_ event: String, _ body: Span<UInt8>, _ mark: FrameHeader.Mark?, to frame: inout [UInt8]) {
        if event != NegotiationMachine.Subject.shutdown,
            (try? FrameEncoder.append(subject: event, body: body, mark: mark, to: &frame)) != nil
        {
            return
        }
        var wrapped = Array(#"{"event": "#.utf8)
        JSONWriter.append(event, to: &wrapped)
        wrapped += Array(#", "content": "#.utf8)
        JSONWriter.append(json: body, to: &wrapped)
        wrapped.append(ASCII.closeBrace)
        // This subject leaves room for a length of 29 digits.
        try? FrameEncoder.append(subject: Self.wrappingSubject, body: wrapped.span, mark: mark, to: &frame)
    }

    func decode(_ frame: Span<UInt8>) -> (event: String, payload: Payload)? {
        var found: (String, Payload)?
        var decoder = FrameDecoder(maxBodyBytes: .max)
        decoder.decode(frame) { part, body in
            switch part {
            case .frame(let subject, let value), .marked(_, let subject, let value):
                found = (subject, Payload(.json, bytes: [UInt8](bytes: body.extracting(value.range))))
            case .malformed, .unreadable: break
            }
            return .stop
        }
        return found
    }

    /// A message `gap`: the offsets that are lost, `from` included, `to` not, and how many.
    func encodeGap(room: String, from: UInt64, to: UInt64, into frame: inout [UInt8]) {
        Self.appendGap(from: from, to: to, nil, to: &frame)
    }

    static func appendGap(from: UInt64, to: UInt64, _ mark: FrameHeader.Mark?, to frame: inout [UInt8]) {
        let body = Array(#"{"from": \#(from), "to": \#(to), "lost": \#(to - min(from, to))}"#.utf8)
        try? FrameEncoder.append(subject: gapSubject, body: body.span, mark: mark, to: &frame)
    }

    /// The message that stands before what was kept for a client that was away, if some of it had to go.
    static func lost(_ count: Int, _ mark: FrameHeader.Mark? = nil) -> [UInt8] {
        var frame: [UInt8] = []
        let body = Array(#"{"lost": \#(count)}"#.utf8)
        try? FrameEncoder.append(subject: gapSubject, body: body.span, mark: mark, to: &frame)
        return frame
    }
}
