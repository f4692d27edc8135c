// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryJSON

/// Hands what a client receives to its callbacks and to the readers of its sequences.
///
/// Loop-confined. A message costs its content's bytes; names that come again are kept.
final class NucosClientInbox {
    /// What a sequence shows.
    struct Filter: Sendable {
        /// nil for every message, with or without a room.
        var room: String?
        /// nil for every event.
        var event: String?
    }

    /// A reader has no room: the message waits for it, and those behind wait for the message.
    struct Stall {
        /// Returns when the message is with the reader, or the reader gone.
        let wait: @Sendable () async -> Void
        /// Whether the reader may be left a moment to make more room.
        let isRoomy: Bool
        fileprivate let message: NucosMessage
        /// Nil for the callbacks, which come first.
        fileprivate let listener: UInt64?
    }

    private struct Listener {
        let number: UInt64
        let queue: Queue<NucosMessage>
        let filter: Filter
        let limit: Int
    }

    let callbacks: NucosClientCallbacks
    /// Whether a callback was ever registered; else nothing is queued for them.
    var hasCallbacks = false
    /// What the read that is under way brought for the callbacks.
    private var batch: [NucosClientCallbacks.Item] = []
    private let maxBatch: Int
    /// The callbacks are behind by as much as they may be.
    private var isFull = false
    private var listeners: [Listener] = []
    private var lastNumber: UInt64 = 0
    private var names = NucosNameCache()
    /// By room, the first message that the client does not have; of servers that say it.
    private(set) var positions: [String: RoomPosition] = [:]
    private let asksForPositions: Bool

    init(callbacks: NucosClientCallbacks, maxQueued: Int, asksForPositions: Bool = false) {
        self.asksForPositions = asksForPositions
        self.callbacks = callbacks
        maxBatch = min(maxQueued, 256)
    }

    // MARK: Messages

    /// Hands on a message; if somebody has no room, says who is to be waited for, and `goOn` continues.
    func deliver(_ frame: NucosFrame, _ bytes: Span<UInt8>) -> Stall? {
        if asksForPositions, let room = frame.room, !note(frame, room, bytes) { return nil }
        guard hasCallbacks || !listeners.isEmpty else { return nil }
        let message = NucosMessage(
            room: frame.room.map { names.string($0, in: bytes) },
            event: names.string(frame.eventName, in: bytes),
            content: Payload(.json, bytes: [UInt8](bytes: bytes.extracting(frame.content.range)))
        )
        return handOn(message)
    }

    /// Notes where a room's message stands; false for the server's word of where the client begins.
    @inline(__always)
    private func note(_ frame: NucosFrame, _ room: JSONText, _ bytes: Span<UInt8>) -> Bool {
        if let offset = frame.offset {
            guard let next = UInt64(offset.string(in: bytes))?.addingReportingOverflow(1).partialValue else {
                return true
            }
            let name = names.string(room, in: bytes)
            if let epoch = positions[name]?.epoch { positions[name] = RoomPosition(epoch: epoch, offset: next) }
            return true
        }
        guard frame.content.kind == .object, frame.event.kind == .string,
            frame.event.text.shortName(in: bytes) == ShortName("r", "e", "s", "u", "m", "e")
        else { return true }
        return !begin(room, in: bytes, frame.content.range)
    }

    private func begin(_ room: JSONText, in bytes: Span<UInt8>, _ content: Range<Int>) -> Bool {
        let content = bytes.extracting(content)
        var token: String?
        let isRead = try? JSONScanner.readMembers(of: content) { name, value in
            guard name.shortName(in: content) == ShortName("n", "e", "x", "t"), value.kind == .string else { return }
            token = value.text.string(in: content)
        }
        guard isRead == true, let next = token.flatMap({ RoomPosition(token: $0) }) else { return false }
        positions[names.string(room, in: bytes)] = next
        return true
    }

    private func handOn(_ message: NucosMessage) -> Stall? {
        if hasCallbacks {
            if isFull {
                isFull = false
                let callbacks = callbacks
                return Stall(wait: { await callbacks.waitForRoom() }, isRoomy: false, message: message, listener: nil)
            }
            batch.append(.message(message))
            if batch.count >= maxBatch { flush() }
        }
        return deliver(message, behind: 0)
    }

    /// Gives the callbacks what the last read brought.
    func flush() {
        guard !batch.isEmpty else { return }
        isFull = callbacks.push(batch)
        batch = []
    }

    /// Goes on with the one that was waited for, or behind it.
    func goOn(_ stall: Stall) -> Stall? {
        guard let listener = stall.listener else { return handOn(stall.message) }
        return deliver(stall.message, behind: listener)
    }

    /// From here on a millisecond's worth of messages is not all that a reader holds.
    private static let roomyLimit = 256

    private func deliver(_ message: NucosMessage, behind number: UInt64) -> Stall? {
        for listener in listeners where listener.number > number && listener.filter.matches(message) {
            guard case .refused(.full) = listener.queue.send(message), listener.limit > 0 else { continue }
            let queue = listener.queue
            return Stall(
                wait: { try? await queue.sendWaiting(message) },
                isRoomy: listener.limit >= Self.roomyLimit,
                message: message,
                listener: listener.number
            )
        }
        return nil
    }

    // MARK: Readers

    /// Adds a reader, for as long as somebody holds the other end.
    ///
    /// - Parameter isLossless: the policy is `.suspend`, so a full queue is waited for.
    func add(_ queue: Queue<NucosMessage>, number: UInt64, _ filter: Filter, limit: Int, isLossless: Bool) {
        listeners.append(Listener(number: number, queue: queue, filter: filter, limit: isLossless ? limit : 0))
    }

    func remove(_ number: UInt64) {
        guard let index = listeners.firstIndex(where: { $0.number == number }) else { return }
        // Whoever waits for room there goes on.
        listeners.remove(at: index).queue.close()
    }

    /// Ends the sequences: those whose connection was closed in order with nil, the others with the reason.
    func end(_ disconnection: NucosDisconnection) {
        let ended = listeners
        listeners = []
        for listener in ended {
            if disconnection.code == .closed {
                listener.queue.close()
            } else {
                listener.queue.fail(QueueError(.failed, message: disconnection.message, cause: disconnection))
            }
        }
    }

    /// Tells the callbacks what happened, behind the messages that came before.
    func tell(_ item: NucosClientCallbacks.Item) {
        guard hasCallbacks else { return }
        batch.append(item)
        flush()
    }
}

extension NucosClientInbox.Filter {
    func matches(_ message: NucosMessage) -> Bool {
        if let room, room != message.room { return false }
        guard let event, event != "all" else { return true }
        return event == message.event
    }
}
