// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import DequeModule

/// How much of a room is kept for those who come late or come back.
public struct HistoryLimit: Sendable, Hashable {
    /// Messages kept; 0 keeps none.
    public var messages = 0
    /// Payload and event bytes kept.
    public var bytes = 16 * 1024 * 1024
    /// How long a message is kept; nil as long as the other limits allow.
    public var timeToLive: Duration?

    /// Whether anything is kept at all.
    var isKept: Bool { messages > 0 }

    /// Makes a limit; the default keeps nothing.
    public init(messages: Int = 0, bytes: Int = 16 * 1024 * 1024, timeToLive: Duration? = nil) {
        self.messages = max(0, messages)
        self.bytes = max(0, bytes)
        self.timeToLive = timeToLive
    }
}

/// The messages of a room as the process sees them: a ring that serves history and consumers.
///
/// Pure value, no clock.
struct EntryLog {
    private(set) var entries: Deque<Message> = []
    private(set) var bytes = 0
    /// The offset of the next message.
    private(set) var nextOffset: UInt64 = 0
    private var history: HistoryLimit
    /// The largest of the consumers' limits, 0 without consumers.
    private(set) var consumerLimit = 0
    private(set) var consumerBytes = 0
    init(history: HistoryLimit) { self.history = history }

    /// Whether messages need to be kept at all; else publishing skips building them.
    var isWanted: Bool { history.messages > 0 || consumerLimit > 0 }

    /// The offset of the oldest message held; `nextOffset` when there is none.
    var firstOffset: UInt64 { entries.first?.offset ?? nextOffset }

    /// Begins to keep history, or keeps it by other limits.
    mutating func keep(_ history: HistoryLimit, from offset: UInt64) {
        if !isWanted { skip(to: offset) }
        self.history = history
        if isWanted { trim() } else { removeAll() }
    }

    mutating func setConsumerLimits(messages: Int, bytes: Int) {
        consumerLimit = messages
        consumerBytes = bytes
        if !isWanted { removeAll() } else { trim() }
    }

    /// The offset that will be the oldest once a message of this size is added.
    func firstOffset(afterAdding size: Int) -> UInt64 {
        var dropped = max(0, entries.count + 1 - maxCount)
        var left = bytes + size - entries.prefix(dropped).reduce(0) { $0 + $1.byteCount }
        while left > maxBytes, dropped < entries.count {
            left -= entries[dropped].byteCount
            dropped += 1
        }
        return firstOffset + UInt64(dropped)
    }

    private var maxCount: Int { max(history.messages, consumerLimit) }
    private var maxBytes: Int { max(history.messages > 0 ? history.bytes : 0, consumerBytes) }

    mutating func append(_ message: Message) {
        entries.append(message)
        bytes += message.byteCount
        nextOffset = message.offset + 1
        trim()
    }

    /// Notes messages that nobody here wanted.
    mutating func skip(to offset: UInt64) {
        nextOffset = offset
        removeAll()
    }

    private mutating func removeAll() {
        guard !entries.isEmpty else { return }
        entries.removeAll()
        bytes = 0
    }

    private mutating func trim() {
        while entries.count > maxCount || (bytes > maxBytes && entries.count > 1) { removeFirst() }
    }

    /// The offset of the oldest message that the history's time to live lets one have who comes now.
    func firstLivingOffset(now: Int64) -> UInt64 {
        guard let limit = history.timeToLive else { return firstOffset }
        let oldest = now.subtractingReportingOverflow(limit.nanoseconds).partialValue
        return entries.first { $0.timestamp >= oldest }?.offset ?? nextOffset
    }

    /// Takes out what is older than the history's time to live, as long as no consumer may still want it.
    mutating func expire(now: Int64) {
        guard consumerLimit == 0, history.timeToLive != nil else { return }
        let oldest = firstLivingOffset(now: now)
        while let first = entries.first, first.offset < oldest { removeFirst() }
    }

    private mutating func removeFirst() {
        guard let first = entries.popFirst() else { return }
        bytes -= first.byteCount
    }

    /// At most `count` messages from an offset on.
    func messages(from offset: UInt64, count: Int) -> ArraySlice<Message> {
        let first = firstOffset
        guard offset < nextOffset, !entries.isEmpty else { return [] }
        let start = Int(clamping: max(offset, first) - first)
        let end = min(entries.count, start + count)
        return ArraySlice(entries[start..<end])
    }
}
