// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryIO

/// A room: publish to it, follow it, see who is there.
///
/// The actor lives on the room's home loop. Messages of one room have one total order; a publisher's own messages keep
/// theirs. Nothing is promised across rooms.
public actor Room: LoopBound {
    /// The loop that orders the room's messages.
    public nonisolated let loop: EventLoop
    /// The room's name.
    public nonisolated let name: String
    /// Random at creation: a position of another epoch can't be resumed from.
    public nonisolated let epoch: UInt64
    private let core: LoopConfined<RoomCore>

    init(_ core: LoopConfined<RoomCore>, name: String, epoch: UInt64, loop: EventLoop) {
        self.loop = loop
        self.name = name
        self.epoch = epoch
        self.core = core
    }

    deinit {
        let (core, loop) = (self.core, self.loop)
        loop.execute {
            // Somebody may hold a new actor for the same room by now.
            guard core.value.heldDoor == nil else { return }
            core.value.isPinned = false
            core.value.context.removeIfIdle(core.value)
        }
    }

    /// Publishes to everybody in the room, on every protocol.
    ///
    /// Returns once the message has its place in the order, not once it was sent. Waits while a subscriber with the
    /// policy `.suspend` is at its limit, and for the store if told so; cancelling ends those waits.
    ///
    /// - Parameters:
    ///   - event: The event; may be empty.
    ///   - payload: What it carries.
    ///   - durability: When this is done: with the message's place in the order, or once it is stored for good.
    /// - Returns: Where the message stands.
    /// - Throws: ``BelfryError`` `.limitExceeded` for a message above `maxMessageBytes`, `.closed` when the broker has
    ///   stopped or the wait was cancelled; with `.stored`, `.invalidArgument` when the broker has no store (nothing is
    ///   published), and `.storageFailed` when the message was published but is not stored now: it is, later, if the
    ///   store recovers in time.
    @discardableResult
    public func publish(
        event: String = "",
        _ payload: Payload,
        durability: Durability = .ordered
    ) async throws(BelfryError) -> RoomPosition {
        let core = self.core.value
        let limits = core.context.shared.configuration.limits
        let bytes = payload.bytes.count + event.utf8.count
        guard bytes <= limits.maxMessageBytes else {
            throw BelfryError(
                .limitExceeded,
                "a message of \(bytes) bytes; maxMessageBytes is \(limits.maxMessageBytes)"
            )
        }
        while core.isBlocked {
            let parker = Parker<Void>()
            let number = core.context.nextNumber()
            core.blockedPublishers[number] = parker
            if case .cancelled = await parker.park() {
                core.blockedPublishers[number] = nil
                throw BelfryError(.closed, "cancelled while waiting for a slow subscriber")
            }
        }
        guard !core.context.isStopped else { throw BelfryError(.closed, "the broker has stopped") }
        if durability == .ordered { return core.publish(event: event, payload: payload, sender: .server) }
        guard core.context.shared.configuration.store != nil else {
            throw BelfryError(.invalidArgument, "the broker has no store")
        }
        guard core.stored != nil else {
            core.publish(event: event, payload: payload, sender: .server)
            throw BelfryError(.storageFailed, "the store keeps nothing of this room now")
        }
        let parker = Parker<BelfryError?>()
        let position = core.publish(event: event, payload: payload, sender: .server) { parker.unpark($0) }
        switch await parker.park() {
        case .cancelled: throw BelfryError(.closed, "cancelled while waiting for the store")
        case .value(let failure?): throw failure
        case .value(nil): return position
        }
    }

    /// The working part, for extensions.
    var coreOnLoop: RoomCore { core.value }

    /// Follows the room.
    ///
    /// The subscription starts when the sequence is first iterated and ends with the iterator. On the room's loop
    /// buffered messages come without suspending; from elsewhere up to 64 are fetched in one hop.
    ///
    /// - Parameters:
    ///   - start: Where to begin.
    ///   - limit: Messages this subscription may be behind, at least 1.
    ///   - maxBytes: Payload and event bytes it may be behind.
    ///   - policy: What happens beyond that. Losses are announced as ``Delivery/gap(from:to:)``.
    public nonisolated func messages(
        from start: StartPosition = .latest,
        limit: Int = 256,
        maxBytes: Int = 8 * 1024 * 1024,
        onOverflow policy: OverflowPolicy = .dropOldest
    ) -> RoomMessages {
        RoomMessages(room: self, start: start, limit: limit, maxBytes: maxBytes, policy: policy)
    }

    /// Follows the room from behind a message that was seen before, and says whether nothing is missing.
    ///
    /// - Returns: `recovered` is true exactly when every message since `position` is still retained and follows. If it
    ///   is false, the sequence starts with the oldest retained message; within the same epoch a gap comes first.
    public func resume(
        after position: RoomPosition,
        limit: Int = 256,
        maxBytes: Int = 8 * 1024 * 1024,
        onOverflow policy: OverflowPolicy = .dropOldest
    ) -> (recovered: Bool, messages: RoomMessages) {
        let core = self.core.value
        core.entries.expire(now: core.context.wallClock)
        let recovered =
            position.offset < .max && core.resumption(from: position.offset + 1, of: position.epoch).isComplete
        let sequence = messages(from: .after(position), limit: limit, maxBytes: maxBytes, onOverflow: policy)
        // Subscribed now, so that what was promised can't slip out of the history before the first iteration.
        sequence.lease.adopt(subscribe(sequence))
        return (recovered, sequence)
    }

    /// Where the room's order stands: the position of the newest message; nil before the first.
    public var position: RoomPosition? {
        let next = core.value.nextOffset
        return next == 0 ? nil : RoomPosition(epoch: epoch, offset: next - 1)
    }

    /// The retained messages, oldest first, at most `limit`.
    public func history(limit: Int = 100) -> [Message] {
        let core = self.core.value
        core.entries.expire(now: core.context.wallClock)
        let first = core.firstRetainedOffset
        return core.entries.messages(from: first, count: .max / 2).suffix(max(0, limit))
    }

    // MARK: Presence

    /// The sessions in the room and who they are; a session without identity is anonymous.
    public var members: [SessionID: String?] { core.value.members.mapValues(\.identity) }

    /// How many sessions are in the room.
    public var memberCount: Int { core.value.members.count }

    /// Follows who comes and goes, from now on; at most 1,024 changes are kept for a slow reader, then the oldest go.
    public func presence() -> Queue<PresenceChange> {
        let core = self.core.value
        let queue = Queue<PresenceChange>(.init(limit: 1_024))
        let number = core.context.nextNumber()
        core.presenceWatchers[number] = queue
        let (box, loop) = (self.core, self.loop)
        return queue.consumerEnd { loop.execute { box.value.removeWatcher(number) } }
    }

    // MARK: For the sequence and tests

    func withCore<Answer>(_ body: (RoomCore) -> Answer) -> Answer { body(core.value) }

    func subscribe(_ sequence: RoomMessages) -> UInt64 {
        let core = self.core.value
        core.entries.expire(now: core.context.wallClock)
        let oldest = core.firstRetainedOffset
        let cursor: UInt64 =
            switch sequence.start {
            case .latest: core.nextOffset
            case .oldest: oldest
            case .after(let position):
                position.offset < .max && core.knows(position.offset + 1, of: position.epoch)
                    ? position.offset + 1 : oldest
            }
        if core.context.isStopped { return 0 }
        let consumer = RoomConsumer(
            cursor: cursor,
            limit: sequence.limit,
            maxBytes: sequence.maxBytes,
            policy: sequence.policy
        )
        consumer.isCatchingUp = core.stored != nil && cursor < core.nextOffset
        return core.addConsumer(consumer)
    }

    /// Up to `count` deliveries; waits for one.
    ///
    /// An empty answer is the end.
    func fetch(_ number: UInt64, count: Int) async throws(BelfryError) -> [Delivery] {
        let core = self.core.value
        guard let consumer = core.consumers[number] else { return [] }
        while true {
            if consumer.isCatchingUp, let old = try await recallOld(consumer, count) { return old }
            let counters = core.context.shared.counters
            let taken = consumer.take(count, from: core.entries) { counters.lost($0) }
            core.unblockPublishers()
            if !taken.isEmpty { return taken }
            if let failure = consumer.failure {
                core.removeConsumer(number)
                throw failure
            }
            if consumer.isFinished || core.context.isStopped { return [] }
            core.noteWaiting(consumer)
            if case .cancelled = await consumer.parker.park() { return [] }
        }
    }

    /// For one who begins in the past: what is not in memory any more, or, as long as it is not yet within its limit, what
    /// is; nil when the usual way is open to it.
    private func recallOld(_ consumer: RoomConsumer, _ count: Int) async throws(BelfryError) -> [Delivery]? {
        let core = self.core.value
        guard let stored = core.stored, !consumer.isFinished, consumer.failure == nil else { return nil }
        let first = core.entries.firstOffset
        if consumer.cursor >= first {
            consumer.isCatchingUp = consumer.backlog(core.entries) > consumer.limit
            guard consumer.isCatchingUp else { return nil }
            return consumer.takeOld(Array(core.entries.messages(from: consumer.cursor, count: count)))
        }
        core.context.handToStore()
        let cursor = consumer.cursor
        let old = try await stored.store.messages(
            of: stored.id,
            cursor == 0 ? .oldest : .after(cursor - 1),
            below: first,
            limit: max(count, 256)
        )
        // Nothing there any more: the loss is told by the usual way.
        if old.isEmpty { consumer.isCatchingUp = core.entries.firstOffset > first }
        return old.isEmpty ? nil : consumer.takeOld(old)
    }

    func unsubscribe(_ number: UInt64) { core.value.removeConsumer(number) }
}
