// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// What a link that broke had not sent, cut into frames.
///
/// Pure value.
struct UnsentFrames: Sendable {
    /// What is to be sent when the client is back: all of a plain stream, and of a positioned one what went to the client
    /// alone; the rest the room's past has.
    private(set) var direct: [DirectFrame] = []
    /// The room's first message that was not sent; nil when none was left, or the stream is plain.
    var firstOfRoom: UInt64?
    /// Those whose place shows with the room's next message.
    private var unplaced: [[UInt8]] = []

    /// Nothing yet.
    init() {}

    /// Adds frames that were never given to the link; none stands behind the room's message `end`.
    mutating func append(_ frames: ArraySlice<DirectFrame>, before end: UInt64) {
        direct += frames.map { DirectFrame(offset: min($0.offset, end), frame: $0.frame) }
    }

    /// Adds frame behind frame, of our own writing.
    ///
    /// - Parameters:
    ///   - isPositioned: Whether the room's messages have marks.
    ///   - end: The room's message before which all of it stands.
    mutating func append(stream: [UInt8], isPositioned: Bool, before end: UInt64) {
        let span = stream.span
        var start = 0
        var isAnnounced = false
        while start + FrameHeader.byteCount <= stream.count {
            let head = span.extracting(start..<(start + FrameHeader.byteCount))
            guard let header = try? FrameHeader.parse(head, maxBodyBytes: .max) else { break }
            let bodyEnd = min(stream.count - start - FrameHeader.byteCount, header.length)
            let next = start + FrameHeader.byteCount + bodyEnd
            switch isPositioned ? header.mark : nil {
            case .room(let offset)?, .own(let offset?)?:
                place(before: offset)
                firstOfRoom = firstOfRoom ?? offset
                isAnnounced = header.subject == FrameEncoder.positionSubject && header.mark == .own(at: offset)
            case .own(nil)? where header.subject == MissionCommanderPositionedFormat.resumeSubject: break
            case .own(nil)?, nil:
                if !isAnnounced { unplaced.append([UInt8](bytes: span.extracting(start..<next))) }
                isAnnounced = false
            }
            start = next
        }
        place(before: end)
    }

    private mutating func place(before offset: UInt64) {
        direct += unplaced.map { DirectFrame(offset: offset, frame: $0) }
        unplaced = []
    }
}
