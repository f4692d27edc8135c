// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO
import Logging

/// One network connection of the broker: its outbound side, shared by all protocols.
///
/// Loop-confined.
///
/// Frames of rooms are not queued here: each subscription is a cursor. What is queued (`pending`) are segments of
/// memory that lives elsewhere: direct frames, and room frames that have to go out before a direct one.
package final class Connection: IOHandler {
    /// The session this connection is.
    package let id: SessionID
    /// The peer's address, where it has one.
    package let peer: SocketAddress?
    /// Who the peer proved to be; nil for an anonymous one.
    package var identity: String?
    package let context: LoopContext
    package let frontEnd: any FrontEnd
    private let recordBytes: Int
    let handle: IOHandle
    /// The protocol's side; nil once closed.
    package var handler: (any ConnectionHandler)?

    /// By room name, while subscribed or subscribing.
    var memberships: [String: Membership] = [:]
    var subscriptions: [Subscription] = []
    /// Subscriptions with something to send at the end of this turn, or once the connection is not busy any more.
    private var lagging: [Subscription] = []
    var pending: [Segment] = []
    /// Bytes that the backend has not taken yet.
    package internal(set) var pendingBytes = 0
    /// Bytes that ever were in `pending`.
    private(set) var queuedBytes = 0
    private var isListed = false
    private(set) var isBusy = false
    private(set) var isClosing = false
    /// Nothing is sent any more, but rooms and queue are kept until somebody takes what was left.
    var isLingering = false
    private var reason: CloseReason?
    /// The protocol's side does not want bytes for now.
    private var isPausedByHandler = false
    /// Rooms with a `.suspend` subscriber at its limit, to which this peer published.
    private var holds: Set<String> = []
    /// A reader of the session's messages is full.
    private var isHeldByReaders = false
    private var isReceiving = true
    var listeners = SessionListeners()
    /// Whether there are any; beside them, since it is asked for each message.
    var isHeard = false
    weak var heldDoor: Session?
    private var closeTimer: TimerID?
    /// Both halves of the stream: the connection is over once the two are.
    private var peerHasEnded = false
    private var isEndDeferred = false
    private var isFinished = false
    /// The protocol's side wants to hear, once, when everything queued has been taken: `drained`.
    package var wantsDrained = false
    /// The loop's clock when bytes last arrived.
    package var lastReceived: Int64 = 0

    init(id: SessionID, handle: IOHandle, peer: SocketAddress?, frontEnd: any FrontEnd, context: LoopContext) {
        self.id = id
        self.handle = handle
        self.peer = peer
        self.frontEnd = frontEnd
        recordBytes = frontEnd.recordBytes
        self.context = context
    }

    // MARK: Sending

    /// Queues a frame for this connection alone, behind everything that its rooms were told before.
    ///
    /// - Parameter offset: For who sends from a room's home on another loop: what the room was told from there on comes
    ///   after the frame.
    package func send(_ frame: Span<UInt8>, before offset: UInt64 = .max) {
        guard !isClosing || isLingering, !frame.isEmpty else { return }
        cutLagging(to: offset)
        append(context.keep(frame))
        guard !isLingering else { return }
        if pendingBytes > context.shared.configuration.limits.maxPendingBytes { return fail(.slowConsumer) }
        context.list(self)
    }

    /// Turns what rooms published up to now into segments, so that a direct frame can follow them in order.
    func cutLagging(to limit: UInt64 = .max) {
        for subscription in subscriptions {
            // Whoever names an offset knows of the messages before it, announced or not.
            if limit != .max { subscription.roster.see(limit) }
            guard subscription.isBehind, !subscription.isPaused else { continue }
            takeKept(of: subscription)
            while let (batch, to) = subscription.batch(to: limit) {
                if let batch { append(batch) }
                subscription.cursor = to
                if !isLingering, pendingBytes > context.shared.configuration.limits.maxPendingBytes { return }
            }
        }
    }

    private func append(_ batch: SendBatch) {
        append(batch.first)
        for segment in batch.rest { append(segment) }
    }

    private func append(_ segment: Segment) {
        guard segment.count > 0 else { return }
        pendingBytes += segment.count
        queuedBytes &+= segment.count
        if let last = pending.last, last.chunk === segment.chunk, last.end == segment.start {
            pending[pending.count - 1] = Segment(last.chunk, last.start, segment.end)
        } else {
            pending.append(segment)
        }
    }

    /// A room of this connection has something new.
    func list(_ subscription: Subscription) {
        guard !isClosing, !subscription.isPaused else { return }
        if !subscription.isListed {
            subscription.isListed = true
            lagging.append(subscription)
        }
        if isBusy { enforce(subscription) } else { context.list(self) }
    }

    /// Marks this connection as on the context's list for this turn; false if it was already.
    func markListed(_ listed: Bool) -> Bool {
        defer { isListed = listed }
        return isListed != listed
    }

    /// Hands what there is to the backend: one send.
    ///
    /// At the end of a turn. True when there is more.
    func pump() -> Bool {
        guard !isBusy, !isLingering, reason == nil || !pending.isEmpty else { return false }
        guard var batch = nextBatch() else { return false }
        batch.recordBytes = recordBytes
        switch context.loop.send(batch, on: handle) {
        case .queued:
            if isClosing, !hasMore { finish() }
            if wantsDrained, !hasMore { tellDrained() }
            return hasMore && !isBusy
        case .closed: return false
        case .busy:
            isBusy = true
            putBack(batch)
            for subscription in lagging where !isClosing { enforce(subscription) }
            return false
        }
    }

    private func tellDrained() {
        wantsDrained = false
        handler?.drained()
    }

    private var hasMore: Bool { !pending.isEmpty || !lagging.isEmpty }

    /// The common case, one room and nothing else, makes no array.
    private func nextBatch() -> SendBatch? {
        if pending.isEmpty, lagging.count == 1, let only = lagging.first, only.kept.isEmpty, only.gap == nil,
            only.takesAll, let (found, to) = only.batch(), let batch = found
        {
            only.cursor = to
            if to >= only.roster.endOffset { unlist(at: 0) }
            return batch
        }
        gatherLagging()
        guard !pending.isEmpty else { return nil }
        let taken = Array(pending.prefix(64))
        pending.removeFirst(taken.count)
        let batch = SendBatch(taken[0], rest: Array(taken.dropFirst()))
        pendingBytes -= batch.byteCount
        return batch
    }

    private func putBack(_ batch: SendBatch) {
        pending.insert(contentsOf: [batch.first] + batch.rest, at: 0)
        pendingBytes += batch.byteCount
    }

    /// Moves what rooms have into `pending`, at most one send's worth each.
    private func gatherLagging() {
        var index = 0
        while index < lagging.count, pendingBytes < Roster.maxSendBytes {
            let subscription = lagging[index]
            takeKept(of: subscription)
            // Several pieces where something is left out between them.
            repeat {
                guard let (batch, to) = subscription.batch() else { break }
                if let batch { append(batch) }
                subscription.cursor = to
            } while !subscription.takesAll && pendingBytes < Roster.maxSendBytes
            if subscription.isBehind { index += 1 } else { unlist(at: index) }
        }
    }

    /// Forgets a subscription that ended.
    func drop(_ subscription: Subscription) {
        if let index = lagging.firstIndex(where: { $0 === subscription }) { unlist(at: index) }
    }

    private func unlist(at index: Int) {
        lagging[index].isListed = false
        lagging.swapAt(index, lagging.count - 1)
        lagging.removeLast()
    }

    /// Moves what a policy kept into `pending`, every loss announced where it stands.
    private func takeKept(of subscription: Subscription) {
        guard subscription.gap != nil || !subscription.kept.isEmpty else { return }
        let gap = subscription.gap
        var offset = min(gap?.lowerBound ?? .max, subscription.kept.first?.offset ?? .max)
        for frame in subscription.kept {
            if offset < frame.offset, gap != nil { announce(offset..<frame.offset, of: subscription) }
            append(frame.segment)
            offset = frame.offset + 1
        }
        if let gap, offset < gap.upperBound { announce(offset..<gap.upperBound, of: subscription) }
        subscription.gap = nil
        subscription.kept = []
        subscription.isFull = false
    }

    private func announce(_ gap: Range<UInt64>, of subscription: Subscription) {
        var frame: [UInt8] = []
        let roster = subscription.roster
        roster.format.encodeGap(room: roster.room, from: gap.lowerBound, to: gap.upperBound, into: &frame)
        if !frame.isEmpty { append(context.keep(frame.span)) }
    }

    private func enforce(_ subscription: Subscription) {
        switch subscription.enforceLimit() {
        case .fine: break
        case .lost(let count): context.shared.counters.lost(count)
        case .disconnect: fail(.slowConsumer)
        case .block: context.block(subscription)
        }
    }

    // MARK: Handler

    package func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        guard reason == nil else { return }
        lastReceived = context.turnTime
        context.shared.counters.received(bytes.count)
        handler?.received(bytes)
    }

    package func ended(_ handle: IOHandle) {
        peerHasEnded = true
        if !isEndDeferred { handleEnd() }
    }

    /// Leaves the peer's end of stream for later, or looks after it now if it has come meanwhile.
    ///
    /// For handlers that have not read yet all that came before it.
    package func setEndDeferred(_ deferred: Bool) {
        guard deferred != isEndDeferred else { return }
        isEndDeferred = deferred
        if !deferred, peerHasEnded { handleEnd() }
    }

    private func handleEnd() {
        if reason == nil { handler?.peerEnded() }
        // What the peer asked for before it half-closed is still sent.
        if isFinished { context.loop.close(handle) } else { close(.peer) }
    }

    package func finished(_ handle: IOHandle) {
        isFinished = true
        if peerHasEnded { context.loop.close(handle) }
    }

    package func writable(_ handle: IOHandle) {
        isBusy = false
        for subscription in lagging where subscription.isBlocking { context.unblock(subscription) }
        if isClosing { armCloseTimer() }
        if hasMore { context.list(self) } else if isClosing { finish() }
        if wantsDrained, !hasMore { tellDrained() }
    }

    package func failed(_ handle: IOHandle, _ error: IOError) {
        if reason == nil { reason = .failed(error.message) }
        if !isClosing { handler?.linkBroke() }
        isClosing = true
        context.loop.close(handle)
    }

    package func closed(_ handle: IOHandle) {
        context.loop.cancel(closeTimer)
        closeTimer = nil
        leaveAll()
        context.forget(self)
        let reason = self.reason ?? .peer
        handler?.closed(reason)
        closeListeners()
        handler = nil
        if !isLingering { pending = [] }
    }

    // MARK: Closing

    /// Ends the link for good but keeps what was not sent, and the places in rooms, until `takeUnsent`.
    ///
    /// For protocols whose clients come back to what they missed. What the backend has taken counts as sent.
    package func linger(_ reason: CloseReason) {
        guard !isClosing else { return }
        self.reason = self.reason ?? reason
        isClosing = true
        isLingering = true
        context.loop.startReceiving(handle)
        armCloseTimer()
        finish()
    }

    /// Closes in order: what is queued is sent first, then the peer has `closeGrace` to close its side.
    ///
    /// A peer that takes nothing for as long is not waited for.
    package func close(_ reason: CloseReason) {
        guard !isClosing else { return }
        cutLagging()
        self.reason = self.reason ?? reason
        isClosing = true
        leaveAll()
        // Paused or not: the peer's end of stream is what it waits for now.
        context.loop.startReceiving(handle)
        armCloseTimer()
        if pending.isEmpty, !isBusy { finish() } else { context.list(self) }
    }

    /// Gives the peer its grace, anew whenever it took something.
    private func armCloseTimer() {
        context.loop.cancel(closeTimer)
        let grace = context.shared.configuration.limits.closeGrace
        closeTimer = context.loop.schedule(after: grace) { [weak self] in
            guard let self else { return }
            self.closeTimer = nil
            self.context.loop.close(self.handle)
        }
    }

    /// Half-closes behind the last byte; `finished` is told when it has left.
    private func finish() { context.loop.finish(handle) }

    /// Gives up on the peer: nothing more is sent.
    package func fail(_ reason: CloseReason) {
        guard self.reason == nil else { return }
        self.reason = reason
        if !isClosing { handler?.linkBroke() }
        isClosing = true
        if reason == .slowConsumer { context.shared.counters.slowConsumer() }
        context.logger.info(
            "Connection closed.",
            metadata: ["session": "\(id)", "peer": "\(peer?.description ?? "-")", "reason": "\(reason)"]
        )
        leaveAll()
        if !isLingering { pending = [] }
        context.loop.close(handle)
    }

    /// Stops or goes on reading from the peer.
    package func setReceiving(_ receiving: Bool) {
        isPausedByHandler = !receiving
        updateReceiving()
    }

    /// A room has a `.suspend` subscriber at its limit: this publisher is not read from until there is room again.
    func hold(for room: String) {
        guard memberships[room] != nil, holds.insert(room).inserted else { return }
        updateReceiving()
    }

    /// Ends a hold; nothing where there is none.
    func release(from room: String) {
        guard !holds.isEmpty, holds.remove(room) != nil else { return }
        updateReceiving()
    }

    func setHeldByReaders(_ held: Bool) {
        isHeldByReaders = held
        updateReceiving()
    }

    private func updateReceiving() {
        let wanted = !isPausedByHandler && !isHeldByReaders && holds.isEmpty
        guard !isClosing, wanted != isReceiving else { return }
        isReceiving = wanted
        if wanted { context.loop.startReceiving(handle) } else { context.loop.pauseReceiving(handle) }
    }
}
