// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry

/// How a connection that the registry lets in begins; carried from the room's home to the connection's loop.
struct Welcome: Sendable {
    let admission: RoomAdmission
    /// Whether it gets positions.
    let isPositioned: Bool
    /// Frame behind frame: what waited, with the room's messages between.
    var stream: [UInt8] = []
    /// For a connection that gets the room's past: what goes to it alone, each with its place in that, in order.
    var direct: [DirectFrame] = []
    /// Frames for it alone that had to go.
    var lost = 0
    /// The first message of the room that it wants; nil once its past is on the way, or when it wants none.
    var start: UInt64?
    /// How many of `direct` have gone out.
    var sent = 0
    /// The server stops: goodbye comes behind it.
    var isLast = false

    init(_ admission: RoomAdmission, isPositioned: Bool) {
        self.admission = admission
        self.isPositioned = isPositioned
    }

    /// Takes the frames that come before a message of the room.
    mutating func next(before offset: UInt64) -> ArraySlice<DirectFrame> {
        let first = sent
        while sent < direct.count, direct[sent].offset <= offset { sent += 1 }
        return direct[first..<sent]
    }

    /// Takes the next frame.
    mutating func next() -> DirectFrame? {
        guard sent < direct.count else { return nil }
        sent += 1
        return direct[sent - 1]
    }
}
