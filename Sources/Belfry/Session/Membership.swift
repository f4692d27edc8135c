// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A connection's part in a room.
///
/// Loop-confined to the connection's loop.
package final class Membership {
    /// The room's name.
    package let room: String
    /// The index of the room's home loop.
    let home: Int
    /// The room itself, if its home is this very loop.
    ///
    /// Held strongly: a weak reference would cost the room's every reference count the slow path, and leaving breaks
    /// the tie.
    var core: RoomCore?
    /// The log that the connection itself follows, if the room's home is this very loop.
    var log: FrameLog?
    /// The connection has left, or was never let in: nothing may be published by it any more.
    package internal(set) var hasEnded = false
    /// Set once the home has taken the connection in.
    var subscription: Subscription?

    init(room: String, home: Int) {
        self.room = room
        self.home = home
    }
}

/// Why a connection could not join a room.
package enum JoinRefusal: Sendable, Equatable {
    /// It is in as many rooms as it may be.
    case tooManyRooms
    /// The room's name is empty or too long.
    case badName
    /// The broker has as many rooms as it may have.
    case noMoreRooms
    /// The room belongs to somebody else.
    case isPrivate
}
