// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry

/// The same for clients that resume: each message has its offset, and what the server says by itself is marked as that.
struct MissionCommanderPositionedFormat: WireFormat {
    let name = "missioncommander-positioned"
    let isPositioned = true
    private let plain = MissionCommanderFormat()

    func encode(room: String, event: String, payload: Payload, into frame: inout [UInt8]) {
        plain.encode(room: room, event: event, payload: payload, into: &frame)
    }

    func encode(room: String, event: String, payload: Payload, at offset: UInt64, into frame: inout [UInt8]) {
        plain.append(event, payload, .room(at: offset), to: &frame)
    }

    func decode(_ frame: Span<UInt8>) -> (event: String, payload: Payload)? { plain.decode(frame) }

    func encodeGap(room: String, from: UInt64, to: UInt64, into frame: inout [UInt8]) {
        MissionCommanderFormat.appendGap(from: from, to: to, .own(at: from), to: &frame)
    }

    static let resumeSubject = "resume"
    /// What a client says that comes back and was not told where it is before its link broke: it has nothing of what that
    /// link brought.
    static let againToken = "again"

    /// What a client that resumes is told first: where it begins, as the server's own word, which is not for the
    /// application; then, if something is missing, a message `gap`, whose members are null where nobody knows them.
    static func resumption(_ start: ReplayStart) -> [UInt8] {
        let position = RoomPosition(epoch: start.epoch, offset: start.offset)
        var frames: [UInt8] = []
        var body = Array(
            #"{"next": "\#(position.token)", "recovered": \#(start.isRecovered), "lost": \#(start.lost)}"#.utf8
        )
        // These subjects fit with any length.
        try? FrameEncoder.append(subject: resumeSubject, body: body.span, mark: .own(at: nil), to: &frames)
        if let missing = start.missing, !missing.isEmpty {
            MissionCommanderFormat.appendGap(
                from: missing.lowerBound,
                to: missing.upperBound,
                .own(at: missing.lowerBound),
                to: &frames
            )
        } else if !start.isRecovered {
            body = Array(#"{"from": null, "to": null, "lost": null}"#.utf8)
            let subject = MissionCommanderFormat.gapSubject
            try? FrameEncoder.append(subject: subject, body: body.span, mark: .own(at: start.offset), to: &frames)
        }
        return frames
    }
}
