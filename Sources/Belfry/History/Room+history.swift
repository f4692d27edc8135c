// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

// What was said before.
extension Room {
    /// A page of the room's history, oldest message first.
    ///
    /// Comes from memory where that has it, else from the broker's store.
    ///
    /// - Parameters:
    ///   - cursor: Where, and on which side of it.
    ///   - limit: Messages at most, 1 to 10,000.
    /// - Throws: ``BelfryError`` `.storageFailed` when the store can't be read.
    public func page(_ cursor: HistoryCursor = .newest, limit: Int = 100) async throws(BelfryError) -> HistoryPage {
        let limit = min(max(1, limit), 10_000)
        let core = coreOnLoop
        core.entries.expire(now: core.context.wallClock)
        let (recalled, rest) = core.recall(cursor, limit: limit)
        guard let (place, end) = rest, let stored = core.stored else { return core.page(recalled) }
        core.context.handToStore()
        let older = try await stored.store.messages(
            of: stored.id,
            place,
            below: end,
            limit: limit - recalled.count
        )
        guard !cursor.isBackwards, older.count < limit else { return core.page(older + recalled) }
        // Forwards, the store's end may have been reached; what follows is in memory.
        let next = older.last.map { $0.offset + 1 } ?? end
        let newer = core.entries.messages(from: next, count: limit - older.count)
        if let first = newer.first?.offset, first > next, !older.isEmpty { return core.page(older) }
        if case .since(let time) = cursor {
            return core.page(older + newer.filter { $0.timestamp >= time })
        }
        return core.page(older + newer)
    }

    /// The newest messages that have all words of a text, oldest first.
    ///
    /// Words are told apart by blanks and marks; upper and lower case are the same, and so are letters with and without
    /// accents where the store says so. Events and payloads that are text or JSON are searched. Without a store, the
    /// messages in memory are, where a word may be a part of a longer one.
    ///
    /// - Parameters:
    ///   - text: The words; the whole is at most 1,000 bytes.
    ///   - end: Only messages with lower offsets: for the page before.
    ///   - limit: Messages at most, 1 to 10,000.
    /// - Throws: ``BelfryError`` `.storageFailed` when the store can't be read, `.invalidArgument` for a longer text.
    public func search(
        _ text: String,
        before end: UInt64 = .max,
        limit: Int = 100
    ) async throws(BelfryError) -> [Message] {
        guard text.utf8.count <= 1_000 else {
            throw BelfryError(.invalidArgument, "a search of more than 1,000 bytes")
        }
        let limit = min(max(1, limit), 10_000)
        let core = coreOnLoop
        if let stored = core.stored {
            core.context.handToStore()
            return try await stored.store.search(text, in: stored.id, below: min(end, core.nextOffset), limit: limit)
        }
        core.entries.expire(now: core.context.wallClock)
        let words = text.lowercased().split(whereSeparator: \.isWhitespace)
        guard !words.isEmpty else { return [] }
        let retained = core.entries.messages(from: core.firstRetainedOffset, count: .max / 2)
        let found = retained.filter { message in
            guard message.offset < end else { return false }
            let searched = "\(message.event) \(message.payload.kind == .binary ? "" : message.payload.text)"
                .lowercased()
            return words.allSatisfy { searched.contains($0) }
        }
        return Array(found.suffix(limit))
    }
}
