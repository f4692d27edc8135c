// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import DequeModule

/// What waits to be stored, and who waits for it; handed from the loops to the writer.
final class HistoryQueue: Sendable {
    private struct State {
        var rooms = HistoryRooms()
        /// The rooms are known: the file was read.
        var isOpen = false
        var waiting: Deque<StoredMessage> = []
        /// Messages of the batch that is being written.
        var inFlight = 0
        var bytes = 0
        /// Messages handed over, and of these stored or given up, ever.
        var arrived: UInt64 = 0
        var settled: UInt64 = 0
        var urgent = 0
        var barriers: [(number: UInt64, parker: Parker<Void>)] = []
        /// Who waits for the index, and for which row; for the newest there is if none is known yet.
        var indexWaiters: [(row: Int64?, parker: Parker<Void>)] = []
        var isClosing = false
        var status = HistoryStatus()
    }

    /// What the writer is to do next.
    enum Work {
        case write(HistoryBatch)
        /// Nothing waits to be written, but somebody waits for the index.
        case index
        /// So much may wait a moment for more.
        case gather
        case idle
        case finish
    }

    private let configuration: SQLiteHistory.Configuration
    private let state = Lock(State())
    let wake = Parker<Void>()

    init(_ configuration: SQLiteHistory.Configuration) { self.configuration = configuration }

    // MARK: From the loops

    func open(_ name: String, standing: RoomPosition?) -> StoredRoom? {
        state.withLock { state in
            guard state.isOpen, !state.isClosing else { return nil }
            return state.rooms.open(name, standing: standing, limit: configuration.maxRooms)
        }
    }

    func release(_ room: StoredRoom.ID) { state.withLock { $0.rooms.forget(room) } }

    func record(_ room: StoredRoom.ID) -> HistoryRooms.Record? { state.withLock { $0.rooms[room] } }

    func append(_ messages: [StoredMessage]) {
        var (bytes, urgent) = (0, 0)
        for stored in messages {
            bytes += stored.message.storedBytes
            if stored.receipt != nil { urgent += 1 }
        }
        let (wakes, refused, reason) = state.withLock { state -> (Bool, [StoredMessage], String?) in
            state.rooms.note(messages)
            let (wasIdle, wasUrgent) = (state.waiting.isEmpty, state.urgent > 0)
            let hasPlace =
                state.waiting.count + state.inFlight + messages.count <= configuration.maxPendingMessages
                && state.bytes + bytes <= configuration.maxPendingBytes
            var refused: [StoredMessage] = []
            if hasPlace, !state.isClosing, state.status.degradation == nil {
                state.bytes += bytes
                state.arrived += UInt64(messages.count)
                state.urgent += urgent
                state.waiting.append(contentsOf: messages)
            } else {
                refused = appendSome(messages, to: &state)
            }
            // A writer that is at work looks again before it sleeps.
            let isFull = state.waiting.count >= configuration.maxBatch
            let wakes = wasIdle || (state.urgent > 0 && !wasUrgent) || isFull
            return (wakes, refused, state.status.degradation)
        }
        if wakes { wake.unpark(()) }
        for stored in refused {
            stored.receipt?(BelfryError(.storageFailed, reason ?? "too many messages wait to be stored"))
        }
    }

    /// Takes what there is place for.
    ///
    /// - Returns: Messages whose publishers are to be told that they are not stored now.
    private func appendSome(_ messages: [StoredMessage], to state: inout State) -> [StoredMessage] {
        var refused: [StoredMessage] = []
        for stored in messages {
            let bytes = stored.message.storedBytes
            guard !state.isClosing, state.waiting.count + state.inFlight < configuration.maxPendingMessages,
                state.bytes + bytes <= configuration.maxPendingBytes
            else {
                state.status.lost += 1
                refused.append(stored)
                continue
            }
            state.bytes += bytes
            state.arrived += 1
            if stored.receipt != nil, state.status.degradation != nil {
                // Who waits is told at once; the message stays, in case the store recovers.
                refused.append(stored)
                state.waiting.append(StoredMessage(room: stored.room, message: stored.message))
                continue
            }
            if stored.receipt != nil { state.urgent += 1 }
            state.waiting.append(stored)
        }
        return refused
    }

    // MARK: Waiting

    /// Waits until what was handed over by now is stored, or can't be for now.
    func settle() async {
        let parker = Parker<Void>()
        let waits = state.withLock { state in
            guard state.settled < state.arrived, state.status.degradation == nil, !state.isClosing else { return false }
            state.barriers.append((state.arrived, parker))
            return true
        }
        guard waits else { return }
        wake.unpark(())
        _ = await parker.park()
    }

    /// Waits until the index has what is stored by now, or can't be written.
    func settleIndex() async {
        let parker = Parker<Void>()
        let waits = state.withLock { state in
            guard state.isOpen, !state.isClosing, state.status.degradation == nil else { return false }
            state.indexWaiters.append((nil, parker))
            return true
        }
        guard waits else { return }
        wake.unpark(())
        _ = await parker.park()
    }

    var status: HistoryStatus {
        state.withLock { state in
            var status = state.status
            status.pending = state.waiting.count + state.inFlight
            return status
        }
    }

    func close() {
        state.withLock { $0.isClosing = true }
        wake.unpark(())
    }

    // MARK: The writer's side

    /// The file was read.
    ///
    /// - Parameter rooms: What it has.
    func opened(_ rooms: HistoryRooms) {
        state.withLock { state in
            state.rooms = rooms
            state.isOpen = true
        }
    }

    var rooms: HistoryRooms { state.withLock { $0.rooms } }
    var isClosing: Bool { state.withLock { $0.isClosing } }

    /// - Parameter gathers: Whether what nobody waits for may wait for more.
    func next(gathers: Bool) -> Work {
        state.withLock { state in
            if state.waiting.isEmpty {
                if state.isClosing { return .finish }
                return state.indexWaiters.isEmpty ? .idle : .index
            }
            let isUrgent = state.urgent > 0 || !state.barriers.isEmpty || state.isClosing
            if gathers, !isUrgent, state.waiting.count < configuration.maxBatch { return .gather }
            return .write(takeBatch(&state))
        }
    }

    private func takeBatch(_ state: inout State) -> HistoryBatch {
        var messages: Deque<StoredMessage> = []
        if state.waiting.count <= configuration.maxBatch {
            swap(&messages, &state.waiting)
        } else {
            messages = Deque(state.waiting.prefix(configuration.maxBatch))
            state.waiting.removeFirst(messages.count)
        }
        state.inFlight = messages.count
        var rooms: [Int64: HistoryRooms.Record] = [:]
        for stored in messages {
            if stored.receipt != nil { state.urgent -= 1 }
            // What is in memory is ahead of the file.
            if let known = rooms.index(forKey: stored.room.number) {
                rooms.values[known].lastTimestamp = stored.message.timestamp
            } else if var record = state.rooms[stored.room] {
                record.lastTimestamp = stored.message.timestamp
                rooms[stored.room.number] = record
            }
        }
        return HistoryBatch(messages: messages, rooms: rooms, retention: configuration.retention)
    }

    /// A batch is stored.
    func stored(_ batch: HistoryBatch, _ rooms: [Int64: HistoryRooms.Record]) {
        let parkers = state.withLock { state -> [Parker<Void>] in
            for (number, record) in rooms { update(number, record, in: &state) }
            state.inFlight = 0
            state.bytes -= batch.messages.reduce(0) { $0 + $1.message.storedBytes }
            state.settled += UInt64(batch.messages.count)
            state.status.stored += UInt64(batch.messages.count)
            let settled = state.settled
            let done = state.barriers.filter { $0.number <= settled }.map(\.parker)
            state.barriers.removeAll { $0.number <= settled }
            return done
        }
        for stored in batch.messages { stored.receipt?(nil) }
        for parker in parkers { parker.unpark(()) }
    }

    /// Rooms have changed in the file.
    func update(_ rooms: [Int64: HistoryRooms.Record]) {
        state.withLock { state in
            for (number, record) in rooms { update(number, record, in: &state) }
        }
    }

    private func update(_ number: Int64, _ record: HistoryRooms.Record, in state: inout State) {
        guard var known = state.rooms[.init(number)] else { return }
        known.storedEnd = record.storedEnd
        known.firstOffset = record.firstOffset
        known.messages = record.messages
        known.bytes = record.bytes
        known.isStored = record.isStored
        state.rooms[.init(number)] = known
    }

    /// A batch can't be stored now: it comes again, and who waits is told.
    func failed(_ batch: HistoryBatch?, _ reason: String) {
        let (receipts, parkers) = state.withLock { state -> ([StoredMessage], [Parker<Void>]) in
            state.status.degradation = reason
            state.inFlight = 0
            state.urgent = 0
            var told: [StoredMessage] = []
            var kept: Deque<StoredMessage> = []
            for stored in (batch?.messages ?? []) + state.waiting {
                if stored.receipt != nil { told.append(stored) }
                kept.append(StoredMessage(room: stored.room, message: stored.message))
            }
            state.waiting = kept
            let parkers = state.barriers.map(\.parker) + state.indexWaiters.map(\.parker)
            (state.barriers, state.indexWaiters) = ([], [])
            return (told, parkers)
        }
        for stored in receipts { stored.receipt?(BelfryError(.storageFailed, reason)) }
        for parker in parkers { parker.unpark(()) }
    }

    /// All is well again.
    ///
    /// - Returns: Whether it was not before.
    func recovered() -> Bool {
        state.withLock { state in
            guard state.status.degradation != nil else { return false }
            state.status.degradation = nil
            return true
        }
    }

    /// Whether somebody waits for the index.
    var wantsIndex: Bool { state.withLock { !$0.indexWaiters.isEmpty } }

    /// The index has everything up to a row.
    ///
    /// - Parameter newest: The newest row there is: who came before this waits for that one, and not for what comes after.
    func indexed(_ row: Int64, newest: Int64) {
        let parkers = state.withLock { state in
            for index in state.indexWaiters.indices where state.indexWaiters[index].row == nil {
                state.indexWaiters[index].row = newest
            }
            let done = state.indexWaiters.filter { ($0.row ?? .max) <= row }.map(\.parker)
            state.indexWaiters.removeAll { ($0.row ?? .max) <= row }
            return done
        }
        for parker in parkers { parker.unpark(()) }
    }

    /// Gives up what still waits, at the end.
    func giveUp() {
        state.withLock { state in
            state.status.lost += UInt64(state.waiting.count)
            state.waiting = []
        }
    }
}
