// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Glibc

/// One publisher, its room and the subscribers it waits for.
struct Group {
    /// The publisher's index.
    let publisher: Int
    /// The indexes of the counted subscribers.
    let members: Range<Int>
    /// Messages that may be outstanding.
    let window: Int
    /// Messages published, the set-up's included; also the next stamp.
    var published = 1
    /// Messages that every member has.
    var complete = 1
    /// Members that have not more than ``complete``.
    var laggards: Int
    /// Whether the publisher must answer an interlude as soon as its write is through.
    var owesAnswer = false
    /// When messages are due, in the open loop.
    var pace: Pace?
    /// Whether the group is listed for new credits at the end of the turn.
    var isTouched = false
    /// `window` copies of the publication; only stamps change, and only when nothing is left unsent.
    private let frames: UnsafeMutablePointer<UInt8>
    private let frameLength: Int
    private let stampOffset: Int
    /// What the stamp's halves are XORed with.
    private let mask: UInt64
    /// What the socket has not taken yet, as offsets in ``frames``.
    private var unsent = 0..<0
    /// When each outstanding message was published, by stamp.
    private let times: UnsafeMutablePointer<Int64>
    private let timeMask: Int

    init(publisher: Int, members: Range<Int>, window: Int, publication: [UInt8], stamp: (offset: Int, mask: UInt64)) {
        self.publisher = publisher
        self.members = members
        self.window = window
        stampOffset = stamp.offset
        mask = stamp.mask
        laggards = members.count
        frameLength = publication.count
        // Both live as long as the process.
        frames = .allocate(capacity: publication.count * window)
        for index in 0..<(publication.count * window) { frames[index] = publication[index % publication.count] }
        var size = 1
        while size < window { size *= 2 }
        times = .allocate(capacity: size)
        times.initialize(repeating: 0, count: size)
        timeMask = size - 1
    }

    /// Whether the socket has taken all that was published.
    var isFlushed: Bool { unsent.isEmpty }

    /// Messages that may be published now.
    var credits: Int { unsent.isEmpty ? window - (published - complete) : 0 }

    /// When the message of this stamp was published.
    @inline(__always)
    func time(of stamp: Int) -> Int64 { times[stamp & timeMask] }

    /// Publishes `count` messages (at most ``credits``) in one write.
    mutating func publish(_ count: Int, descriptor: CInt) throws {
        let now = cload_now()
        for index in 0..<count { times[(published + index) & timeMask] = now }
        try write(count, descriptor: descriptor)
    }

    /// Publishes what is due, as far as there are credits; their time is when they were due, not when they went.
    mutating func publishDue(descriptor: CInt, lateness: inout Latency?) throws {
        guard let pace else { return }
        let now = cload_now()
        let count = min(pace.due(at: now), credits)
        guard count > 0 else { return }
        for index in 0..<count {
            let due = pace.time(of: pace.sent + index)
            times[(published + index) & timeMask] = due
            lateness?.record(now - due, frames: 1)
        }
        self.pace?.sent += count
        try write(count, descriptor: descriptor)
    }

    private mutating func write(_ count: Int, descriptor: CInt) throws {
        for index in 0..<count {
            let stamp = frames + index * frameLength + stampOffset
            Stamp.write(published + index, to: stamp)
            if mask != 0 { Stamp.mask(stamp, with: mask) }
        }
        published += count
        unsent = 0..<(count * frameLength)
        try flush(descriptor: descriptor)
    }

    /// Goes on with a write that the socket took only in part.
    mutating func flush(descriptor: CInt) throws {
        while !unsent.isEmpty {
            let sent = cload_send(descriptor, frames + unsent.lowerBound, unsent.count)
            if sent < 0 {
                if errno == EAGAIN { return }
                if errno == EINTR { continue }
                throw LoadError.system("publishing")
            }
            unsent = (unsent.lowerBound + sent)..<unsent.upperBound
        }
    }
}
