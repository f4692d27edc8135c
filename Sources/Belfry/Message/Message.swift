// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// One message of a room.
public struct Message: Sendable, Hashable {
    /// The room's name.
    public let room: String
    /// The event within the room; may be empty.
    public let event: String
    /// What it carries.
    public let payload: Payload
    /// Who published it.
    public let sender: Sender
    /// Its place in the room's order, from 0, without holes within one epoch.
    public let offset: UInt64
    /// When the room took it, in nanoseconds since 1970-01-01 UTC.
    public let timestamp: Int64

    /// Makes a message.
    public init(
        room: String,
        event: String,
        payload: Payload,
        sender: Sender,
        offset: UInt64,
        timestamp: Int64
    ) {
        self.room = room
        self.event = event
        self.payload = payload
        self.sender = sender
        self.offset = offset
        self.timestamp = timestamp
    }

    /// The bytes it counts for against limits: payload and event, without bookkeeping.
    var byteCount: Int { payload.bytes.count + event.utf8.count }
}

/// Who published a message.
public enum Sender: Sendable, Hashable {
    /// The program that hosts the broker.
    case server
    /// A connected client.
    case session(SessionID)
}

/// The name of a session, unique within one broker's life.
public struct SessionID: Sendable, Hashable, CustomStringConvertible {
    /// Counts up; the lowest eight bits are the loop that the session lives on.
    public let number: UInt64

    /// Makes the ID with this number.
    public init(_ number: UInt64) { self.number = number }

    init(counter: UInt64, loop: Int) { number = counter << 8 | UInt64(loop & 255) }

    /// The index of the loop that the session lives on.
    package var loop: Int { Int(number & 255) }

    /// `s`, the count, and the loop behind a dot.
    public var description: String { "s\(number >> 8).\(loop)" }
}

/// A place in a room's order, for resuming.
public struct RoomPosition: Sendable, Hashable {
    /// Random at the room's creation: offsets of different epochs can't be compared.
    public let epoch: UInt64
    /// The offset of a message.
    public let offset: UInt64

    /// Makes a position.
    public init(epoch: UInt64, offset: UInt64) {
        self.epoch = epoch
        self.offset = offset
    }
}

/// What a subscription delivers.
public enum Delivery: Sendable, Hashable {
    /// A message.
    case message(Message)
    /// The messages with the offsets `from..<to` were lost to this subscription; they stood right here.
    case gap(from: UInt64, to: UInt64)

    /// The message; nil for a gap.
    public var message: Message? {
        if case .message(let message) = self { message } else { nil }
    }
}
