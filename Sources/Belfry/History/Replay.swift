// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// What a connection that joins a room wants of what was said before.
package struct ReplayRequest: Sendable {
    /// The first message that it does not have; nil when it only wants to know where it begins.
    package let next: RoomPosition?
    /// Messages it takes at most; the newest.
    package let maxMessages: Int
    /// Whose messages it does not want: its own of an earlier connection.
    package let omitted: SessionID?
    /// What is to be kept in memory for those who come back, where `resumeHistory` keeps less.
    package let keeps: HistoryLimit?
    /// Told on the connection's loop, once, before anything of the room is sent to it.
    package let begins: @Sendable (Connection, ReplayStart) -> Void
    /// Appends what the connection alone is to get before a message of the past.
    package let comesBefore: (@Sendable (Connection, _ offset: UInt64, _ frames: inout [UInt8]) -> Void)?
    /// Told when all of the past is queued, and before anything newer is.
    package let ends: (@Sendable (Connection) -> Void)?

    /// How long those who may come back are waited for, once the last of them has gone.
    package static let grace = Duration.seconds(300)

    /// Makes a request.
    package init(
        from next: RoomPosition?,
        maxMessages: Int = 10_000,
        omitting omitted: SessionID? = nil,
        keeping keeps: HistoryLimit? = nil,
        comesBefore: (@Sendable (Connection, _ offset: UInt64, _ frames: inout [UInt8]) -> Void)? = nil,
        ends: (@Sendable (Connection) -> Void)? = nil,
        begins: @escaping @Sendable (Connection, ReplayStart) -> Void
    ) {
        self.next = next
        self.maxMessages = max(0, maxMessages)
        self.omitted = omitted
        self.keeps = keeps
        self.begins = begins
        self.comesBefore = comesBefore
        self.ends = ends
    }
}

/// Where a connection begins in a room.
package struct ReplayStart: Sendable, Hashable {
    /// The room's epoch.
    package let epoch: UInt64
    /// The offset of the first message that it gets, or will.
    package let offset: UInt64
    /// Whether nothing is missing between what it had and that.
    package let isRecovered: Bool
    /// The messages that are missing, where that can be said.
    package let missing: Range<UInt64>?
}

/// What of a room's past goes to one that has just joined; carried between loops.
struct RoomPast: Sendable {
    let request: ReplayRequest
    let epoch: UInt64
    /// The offset of the first message that it gets from the room's log.
    let end: UInt64
    /// Where it should begin.
    let start: UInt64
    let isComplete: Bool
    /// Whether the position it named is one of this room's order.
    let isKnown: Bool
    /// The newest messages, as far as they are in memory.
    let messages: [Message]
    /// For those before them.
    let store: (any HistoryStore, StoredRoom.ID)?
}

extension ReplayStart {
    /// How many messages are missing, as JSON: `null` where nobody knows.
    package var lost: String { missing.map { "\($0.count)" } ?? (isRecovered ? "0" : "null") }
}

extension RoomPosition {
    /// Reads what `token` writes.
    package init?(token: some StringProtocol) {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let epoch = UInt64(parts[0], radix: 16), let offset = UInt64(parts[1]) else {
            return nil
        }
        self.init(epoch: epoch, offset: offset)
    }

    /// As it goes over wires: the epoch in hexadecimal, a dot, the offset in decimal.
    package var token: String { "\(String(epoch, radix: 16)).\(offset)" }
}

extension LoopContext {
    /// At a room's home: what of its past goes to one that has just been let in.
    func recall(
        _ request: ReplayRequest?,
        of room: String,
        for session: SessionID,
        _ answer: Result<RoomAdmission, JoinFailure>
    ) -> RoomPast? {
        guard let request, case .success(let admission) = answer, let core = rooms[room] else { return nil }
        core.keep(for: session, request.keeps)
        core.entries.expire(now: wallClock)
        let end = admission.start
        guard let next = request.next else {
            return RoomPast(
                request: request,
                epoch: core.epoch,
                end: end,
                start: end,
                isComplete: true,
                isKnown: false,
                messages: [],
                store: nil
            )
        }
        let (first, isComplete) = core.resumption(from: next.offset, of: next.epoch)
        let start = max(first, end - min(end, UInt64(request.maxMessages)))
        let inMemory = core.firstRetainedInMemory
        var store: (any HistoryStore, StoredRoom.ID)?
        if start < min(inMemory, end), let stored = core.stored {
            handToStore()
            store = (stored.store, stored.id)
        }
        return RoomPast(
            request: request,
            epoch: core.epoch,
            end: end,
            start: start,
            isComplete: isComplete && start == first,
            isKnown: core.knows(next.offset, of: next.epoch),
            messages: Array(
                core.entries.messages(from: max(start, inMemory), count: Int(clamping: end - min(end, inMemory)))
            ),
            store: store
        )
    }
}

extension Connection {
    /// Sends what was said before the connection came, then lets go what is new; now, or when the store has it.
    func begin(_ past: RoomPast, _ membership: Membership, format: any WireFormat) {
        guard let subscription = membership.subscription else { return }
        subscription.isPaused = true
        guard let (store, room) = past.store else { return replay(past, past.messages, membership, format: format) }
        let firstInMemory = past.messages.first?.offset ?? past.end
        let (id, number, name) = (self.id, membership.number, membership.room)
        let (box, loop) = (LoopConfined(onLoop: context, context.loop), context.loop)
        Task {
            let older = try? await store.messages(
                of: room,
                past.start == 0 ? .oldest : .after(past.start - 1),
                below: firstInMemory,
                limit: Int(clamping: firstInMemory - min(firstInMemory, past.start))
            )
            loop.execute {
                guard let connection = box.value.connections[id], let membership = connection.memberships[name],
                    membership.number == number
                else { return }
                connection.replay(past, (older ?? []) + past.messages, membership, format: format)
            }
        }
    }

    private func replay(_ past: RoomPast, _ found: [Message], _ membership: Membership, format: any WireFormat) {
        guard let subscription = membership.subscription else { return }
        var (messages, frames) = fitting(found, past.request, format)
        // An offset that is not there was lost, wherever it stands.
        let isWhole = UInt64(messages.count) == past.end - min(past.end, past.start)
        let first = messages.first?.offset ?? past.end
        let isRecovered = past.isComplete && isWhole
        var missing: Range<UInt64>?
        if past.isKnown, let next = past.request.next, next.offset < first { missing = next.offset..<first }
        past.request.begins(
            self,
            ReplayStart(epoch: past.epoch, offset: first, isRecovered: isRecovered, missing: missing)
        )
        var frame: [UInt8] = []
        var next = first
        for message in messages where !isClosing {
            past.request.comesBefore?(self, message.offset, &frame)
            if message.offset > next {
                format.encodeGap(room: message.room, from: next, to: message.offset, into: &frame)
            }
            next = message.offset + 1
            frame += frames.popLast() ?? []
            if frame.count >= Roster.maxSendBytes {
                send(frame.span)
                frame.removeAll(keepingCapacity: true)
            }
        }
        send(frame.span)
        guard membership.subscription === subscription else { return }
        subscription.isPaused = false
        past.request.ends?(self)
        if subscription.isBehind { list(subscription) }
    }

    /// The newest of some messages, as many as may wait for one connection, and their frames from the newest on; empty for
    /// those that it does not want.
    private func fitting(
        _ messages: [Message],
        _ request: ReplayRequest,
        _ format: any WireFormat
    ) -> (messages: ArraySlice<Message>, frames: [[UInt8]]) {
        var left = context.shared.configuration.limits.maxPendingBytes / 2
        var frames: [[UInt8]] = []
        for message in messages.reversed() {
            var frame: [UInt8] = []
            if request.omitted.map({ message.sender != .session($0) }) ?? true {
                format.encode(
                    room: message.room,
                    event: message.event,
                    payload: message.payload,
                    at: message.offset,
                    into: &frame
                )
            }
            // A frame may be several times as long as its message: one that escapes what is not ASCII.
            left -= max(message.byteCount + 128, frame.count)
            guard left >= 0 else { break }
            frames.append(frame)
        }
        return (messages.suffix(frames.count), frames)
    }
}
