// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry

/// The same for clients that resume: each message has a member `at`, its offset.
struct NucosPositionedFormat: WireFormat {
    let name = "nucosmq-positioned"
    let isPositioned = true
    private let plain = NucosFormat()

    func encode(room: String, event: String, payload: Payload, into frame: inout [UInt8]) {
        plain.encode(room: room, event: event, payload: payload, into: &frame)
    }

    func encode(room: String, event: String, payload: Payload, at offset: UInt64, into frame: inout [UInt8]) {
        let before = frame.count
        encode(room: room, event: event, payload: payload, into: &frame)
        if frame.count > before { NucosEncoder.insert(offset: offset, into: &frame) }
    }

    func decode(_ frame: Span<UInt8>) -> (event: String, payload: Payload)? { plain.decode(frame) }

    func encodeGap(room: String, from: UInt64, to: UInt64, into frame: inout [UInt8]) {
        plain.encodeGap(room: room, from: from, to: to, into: &frame)
    }
}

extension NucosFormat {
    /// What a client that resumes is told first: an event `resume` of the room without a member `at`, which no other
    /// client can say to it; then, if something is missing, an event `gap`, whose offsets are null where nobody knows them.
    static func resumption(_ start: ReplayStart, of room: String) -> [UInt8] {
        let position = RoomPosition(epoch: start.epoch, offset: start.offset)
        var content = Array(
            #"{"next": "\#(position.token)", "recovered": \#(start.isRecovered), "lost": \#(start.lost)}"#.utf8
        )
        var frames = NucosEncoder.frame(event: "resume", content: content.span, room: room)
        if let missing = start.missing, !missing.isEmpty {
            NucosFormat().encodeGap(room: room, from: missing.lowerBound, to: missing.upperBound, into: &frames)
        } else if !start.isRecovered {
            content = Array(#"{"from": null, "to": null}"#.utf8)
            NucosEncoder.append(event: "gap", content: content.span, room: room, to: &frames)
        }
        return frames
    }
}
