// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// A room's place in the broker's store.
struct StoredPlace {
    let store: any HistoryStore
    let id: StoredRoom.ID
    let pastEpochs: [StoredRoom.PastEpoch]
    /// Timestamps never go back, so that they can be searched.
    var lastTimestamp: Int64
}

extension HistoryLimit {
    /// What a room with a store keeps in memory besides: enough that who was away for a moment costs no reading.
    var besidesStore: HistoryLimit {
        guard messages == 0 else { return self }
        return HistoryLimit(messages: 256, bytes: 1024 * 1024)
    }
}

extension HistoryLimit {
    /// The same, or more of it.
    func widened(to other: HistoryLimit?) -> HistoryLimit {
        var limit = self
        limit.messages = max(messages, other?.messages ?? 0)
        limit.bytes = max(bytes, other?.bytes ?? 0)
        return limit
    }
}

extension RoomCore {
    /// Where one begins who has everything before an offset, and whether everything from there on can be had, as far as is
    /// known without reading the store.
    func resumption(from next: UInt64, of epoch: UInt64) -> (start: UInt64, isComplete: Bool) {
        let first = firstRetainedOffset
        return knows(next, of: epoch) ? (max(next, first), next >= first) : (first, false)
    }

    /// Whether an offset can be spoken of in this room's order: a loss before it has a length.
    func knows(_ next: UInt64, of epoch: UInt64) -> Bool {
        if epoch == self.epoch { return next <= nextOffset }
        return stored?.pastEpochs.contains { $0.epoch == epoch && next <= $0.endOffset } ?? false
    }

    /// Keeps what is said for a member that may come back, where nothing else keeps it.
    ///
    /// - Parameter wanted: How much at least, if anything.
    func keep(for session: SessionID, _ wanted: HistoryLimit? = nil) {
        let limit = context.shared.configuration.resumeHistory
        guard stored == nil, !OwnRoom.isOwn(name), !context.shared.configuration.history.isKept, limit.isKept else {
            return
        }
        resumers.insert(session)
        let wider = (resumeLimit ?? limit).widened(to: wanted)
        guard !isKept || (resumeLimit != nil && resumeLimit != wider) else { return }
        isKept = true
        resumeLimit = wider
        entries.keep(wider, from: nextOffset)
        updatePlainLog()
    }

    /// Whether one who comes back can be told what was said meanwhile.
    var keepsPast: Bool {
        let configuration = context.shared.configuration
        return stored != nil
            || !OwnRoom.isOwn(name) && (configuration.history.isKept || configuration.resumeHistory.isKept)
    }

    /// One who may come back has left.
    func resumerLeft(_ session: SessionID) {
        if resumers.remove(session) != nil { letPastGo() }
    }

    /// The last one that may come back is waited for a while.
    func letPastGo() {
        guard resumers.isEmpty, pastHolds == 0, resumeLimit != nil else { return }
        context.loop.schedule(after: ReplayRequest.grace) { [weak self] in
            guard let self, resumers.isEmpty, pastHolds == 0, resumeLimit != nil else { return }
            isKept = false
            resumeLimit = nil
            // A store that could be had meanwhile wants them all.
            if stored == nil { entries.keep(HistoryLimit(), from: nextOffset) }
            updatePlainLog()
            context.removeIfIdle(self)
        }
    }

    /// Looks again whether the store takes the room: it could not when the room was made.
    func attachToStore() {
        guard stored == nil, let store = context.shared.configuration.store,
            let known = store.open(name, standing: RoomPosition(epoch: epoch, offset: nextOffset))
        else { return }
        stored = StoredPlace(store: store, id: known.id, pastEpochs: [], lastTimestamp: known.lastTimestamp)
        entries.keep(context.shared.configuration.history.besidesStore, from: nextOffset)
        updatePlainLog()
    }

    /// The retained messages next to a cursor that are in memory, and where the store has to go on, if it has to.
    func recall(_ cursor: HistoryCursor, limit: Int) -> (messages: [Message], rest: (HistoryCursor, below: UInt64)?) {
        let first = firstRetainedInMemory
        let needsStore = stored != nil && firstRetainedOffset < first
        if cursor.isBackwards {
            let end: UInt64
            switch cursor {
            case .before(let offset): end = min(offset, nextOffset)
            case .until(let time):
                let recent = entries.messages(from: first, count: .max / 2)
                guard let oldest = recent.first, oldest.timestamp < time || !needsStore else {
                    return ([], needsStore ? (cursor, first) : nil)
                }
                end = recent.first { $0.timestamp >= time }?.offset ?? nextOffset
            default: end = nextOffset
            }
            let found = Array(entries.messages(from: first, count: Int(clamping: end - min(end, first))).suffix(limit))
            guard needsStore, found.count < limit else { return (found, nil) }
            return (found, (.before(min(end, first)), first))
        }
        switch cursor {
        case .after(let offset):
            let start = offset == .max ? .max : offset + 1
            if start < first, needsStore { return ([], (cursor, first)) }
            return (Array(entries.messages(from: max(start, first), count: limit)), nil)
        case .since(let time):
            let recent = entries.messages(from: first, count: .max / 2)
            if needsStore, recent.first.map({ $0.timestamp >= time }) ?? true { return ([], (cursor, first)) }
            return (Array(recent.drop { $0.timestamp < time }.prefix(limit)), nil)
        default:
            if needsStore { return ([], (.oldest, first)) }
            return (Array(entries.messages(from: first, count: limit)), nil)
        }
    }

    /// A page around what was found.
    func page(_ messages: [Message]) -> HistoryPage {
        guard let first = messages.first, let last = messages.last else {
            return HistoryPage(messages: [], older: nil, newer: nil)
        }
        return HistoryPage(
            messages: messages,
            older: first.offset > firstRetainedOffset ? .before(first.offset) : nil,
            newer: last.offset + 1 < nextOffset ? .after(last.offset) : nil
        )
    }

    /// The offset of the oldest message that is in memory for who comes now.
    var firstRetainedInMemory: UInt64 {
        entries.isWanted ? entries.firstLivingOffset(now: context.wallClock) : nextOffset
    }

    /// The offset of the oldest message that can still be had; the next one's if there is none.
    var firstRetainedOffset: UInt64 {
        let first = firstRetainedInMemory
        guard let stored else { return first }
        return min(first, stored.store.firstOffset(of: stored.id))
    }
}
