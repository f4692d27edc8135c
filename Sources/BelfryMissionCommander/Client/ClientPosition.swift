// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryJSON

/// Where a client is in its server's room, by what the server's marks say.
///
/// Pure value. Marks count once the server has said, on the link that stands, where the client begins: another server's
/// headers may have members of these names that mean something else.
struct ClientPosition: ~Copyable {
    /// The first message of the room that has not been handed on; nil before a server has said where the client is.
    private(set) var next: RoomPosition?
    private var asks = false
    private var hasAsked = false
    private var isOffered = false
    /// The offset of the frame that comes next, where its own header has no room for it.
    private var announced: UInt64?

    /// A link stands; answers what the negotiation says, nil for a client that does not ask.
    mutating func linkStands(asking: Bool) -> String? {
        asks = asking
        isOffered = false
        announced = nil
        guard asking else { return nil }
        defer { hasAsked = true }
        // Nothing of the link before has come, or there would be a position.
        return next?.token ?? (hasAsked ? MissionCommanderPositionedFormat.againToken : "")
    }

    /// A frame that could not be read was skipped.
    mutating func skipped() { announced = nil }

    /// Takes a frame into account; false for one that is not the application's: the server's word about positions, or a
    /// message of the room that was handed on before.
    mutating func takes(_ mark: FrameHeader.Mark?, _ subject: String, _ value: Span<UInt8>) -> Bool {
        guard asks else { return true }
        let announced = self.announced.take()
        switch mark {
        case .own(nil)? where subject == MissionCommanderPositionedFormat.resumeSubject:
            return !begin(value)
        case .own(let offset)? where isOffered && subject == FrameEncoder.positionSubject:
            self.announced = offset
            return false
        case .room(let offset)? where isOffered: return note(offset)
        case nil: return announced.map { note($0) } ?? true
        case .own?, .room?: return true
        }
    }

    private mutating func begin(_ value: Span<UInt8>) -> Bool {
        var token: String?
        let isRead = try? JSONScanner.readMembers(of: value) { name, member in
            guard name.shortName(in: value) == ShortName("n", "e", "x", "t"), member.kind == .string else { return }
            token = member.text.string(in: value)
        }
        guard isRead == true, let next = token.flatMap({ RoomPosition(token: $0) }) else { return false }
        self.next = next
        isOffered = true
        return true
    }

    private mutating func note(_ offset: UInt64) -> Bool {
        guard let next, offset < .max else { return true }
        guard offset >= next.offset else { return false }
        self.next = RoomPosition(epoch: next.epoch, offset: offset + 1)
        return true
    }
}
