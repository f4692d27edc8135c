// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHistory
import BelfryIO
import DequeModule
import Foundation
import Logging

extension ChatBoxCore {
    // MARK: Sending

    /// Stores a message of an active client, and hands it to both workers; returns after the commit.
    ///
    /// - Parameter connection: Which pair it must be; nil for the id's.
    func send(
        _ text: String,
        from key: IDKey,
        at time: Date = Date(),
        in connection: Connection? = nil,
        isQueued: Bool = false,
        origin: UInt64 = 0
    ) async throws(ChatBoxError) {
        try check(text)
        guard isQueued || isOpen else { throw .boxClosed }
        guard let state = active[key] else { throw .clientNotActive }
        if let connection, connection !== state.connection {
            guard connection.database === database, connection.row == state.connection.row else {
                throw ChatBoxError(.wrongConnection, "the message is of another connection")
            }
        }
        try await admit(to: state)
        guard active[key] === state else {
            // The room that was for this one is for the next.
            wakeSender(state)
            releaseIfIdle(state)
            throw .clientNotActive
        }
        try await store(text, in: state, from: key.side, at: time, origin: origin)
    }

    /// The same; while the client is away the message is stored for its next visit.
    func leave(_ text: String, from side: SentBy, id: String) async throws(ChatBoxError) {
        try check(text)
        guard isOpen else { throw .boxClosed }
        let key = IDKey(side, id)
        if active[key] != nil { return try await send(text, from: key) }
        guard let state = try await storedState(side, id) else {
            throw ChatBoxError(.unknownClient, "no pair has this id")
        }
        defer { releaseIfIdle(state) }
        if active[key] === state { return try await send(text, from: key) }
        let row = state.connection.row
        let waitingKey = WaitingKey(row: row, side: side)
        let limit = max(1, configuration.maxWaiting)
        var stored = waiting[waitingKey]
        if stored == nil {
            // Held meanwhile, or a second one would be made beside it.
            state[side].undelivered += 1
            defer { state[side].undelivered -= 1 }
            do {
                stored = try await database.trailing(of: row, sentBy: Int64(side.rawValue), upTo: limit)
            } catch {
                throw ChatBoxError(.storage, "the history can't be read", cause: error)
            }
            // Others may have left something meanwhile.
            stored = waiting[waitingKey] ?? stored
        }
        guard let stored, stored < limit else {
            throw ChatBoxError(.tooManyWaiting, "\(limit) messages wait for the client (maxWaiting)")
        }
        // What is forgotten is counted anew in the database.
        if waiting.count >= 4_096 { waiting.removeAll() }
        waiting[waitingKey] = stored + 1
        do {
            try await admit(to: state)
            try await store(text, in: state, from: side, at: Date())
        } catch {
            if let count = waiting[waitingKey] { waiting[waitingKey] = max(0, count - 1) }
            throw error
        }
    }

    /// Whether this task may send; while the box closes its callbacks still may.
    private var isOpen: Bool {
        guard closing != nil else { return true }
        let box = ObjectIdentifier(self)
        return !isStored && CallScope.deliveries.contains { $0.box == box }
    }

    private func check(_ text: String) throws(ChatBoxError) {
        guard text.utf8.count <= max(1, configuration.maxMessageBytes) else {
            throw ChatBoxError(.tooLarge, "a message has \(configuration.maxMessageBytes) bytes at most")
        }
    }

    // MARK: Room

    /// Waits while too much of the pair is undelivered.
    private func admit(to state: State) async throws(ChatBoxError) {
        let limit = max(1, configuration.maxUndelivered)
        let delivery = CallScope.Delivery(box: ObjectIdentifier(self), row: state.connection.row)
        if CallScope.deliveries.contains(delivery) {
            // Its room would come when this very callback has returned.
            guard state.undelivered / 4 < limit else {
                throw ChatBoxError(.limitExceeded, "a callback sends more than is delivered (maxUndelivered)")
            }
            return
        }
        while closing == nil, state.undelivered >= limit {
            let parker = Parker<Void>()
            state.senders.append(parker)
            if case .cancelled = await parker.park() {
                if let index = state.senders.firstIndex(where: { $0 === parker }) { state.senders.remove(at: index) }
                wakeSender(state)
                releaseIfIdle(state)
                throw .waitCancelled
            }
        }
    }

    /// How many wait for room.
    var senderCount: Int { states.values.reduce(0) { $0 + $1.senders.count } }

    private func wakeSender(_ state: State) {
        if state.undelivered < max(1, configuration.maxUndelivered) { state.senders.popFirst()?.unpark() }
    }

    // MARK: Storing

    private func store(
        _ text: String,
        in state: State,
        from side: SentBy,
        at time: Date,
        origin: UInt64 = 0
    ) async throws(ChatBoxError) {
        guard !isStored else { throw .boxClosed }
        var message = Message(connection: state.connection, sentBy: side, content: text, createdAt: time)
        message.origin = origin
        state[.service1].undelivered += 1
        state[.service2].undelivered += 1
        // There may be room for one more sender.
        wakeSender(state)
        let verdict = await withCheckedContinuation { continuation in
            pending.append(PendingMessage(state: state, message: message, verdict: continuation))
            if writer == nil { writer = Task { await self.write() } }
        }
        _ = try verdict.get()
    }

    /// Stores what waits, until nothing does: as much at a time as there is by then.
    private func write() async {
        while !pending.isEmpty {
            let batch = Array(pending.prefix(256))
            pending.removeFirst(batch.count)
            let results = await database.append(
                batch.map { item in
                    NewPairMessage(
                        pair: item.state.connection.row,
                        createdAt: TimeText.text(item.message.createdAt),
                        content: item.message.content,
                        sentBy: Int64(item.message.sentBy.rawValue)
                    )
                }
            )
            for (item, result) in zip(batch, results) { settle(item, result) }
        }
        writer = nil
    }

    private func settle(_ item: PendingMessage, _ result: Result<Int64, PairDatabaseError>) {
        switch result {
        case .success(let number):
            let message = item.message.stored(as: number)
            handOver(message, to: item.state, on: .service1)
            handOver(message, to: item.state, on: .service2)
            item.verdict.resume(returning: .success(number))
        case .failure(let error):
            logger.error("A message can't be stored", metadata: ["error": "\(error)"])
            delivered(item.state, .service1)
            delivered(item.state, .service2)
            let error = ChatBoxError(.storage, "the message can't be stored", cause: error)
            item.verdict.resume(returning: .failure(error))
        }
    }

    // MARK: Handing over

    /// Hands a stored message to a worker, if the pair is active there: to the callback, then to who reads.
    private func handOver(_ message: Message, to state: State, on side: SentBy) {
        guard state[side].isActive else { return delivered(state, side) }
        let delivery = State.Delivery(message: message, readers: state[side].readers)
        if state[side].drain == nil, outlets(of: side).callbacks.received == nil {
            tellReaders(delivery, on: side)
            delivered(state, side)
        } else {
            state[side].lane.append(delivery)
            if state[side].drain == nil { state[side].drain = Task { await self.drain(state.connection.row, side) } }
        }
    }

    /// Calls the callback with what waits for it, one message after the other, until nothing does.
    private func drain(_ row: Int64, _ side: SentBy) async {
        guard let state = states[row] else { return }
        let scope = CallScope.Delivery(box: ObjectIdentifier(self), row: row)
        while let delivery = state[side].lane.popFirst() {
            if let received = outlets(of: side).callbacks.received {
                do {
                    try await Self.call(received, delivery.message, within: scope)
                } catch {
                    let metadata: Metadata = ["service": "\(side)", "error": "\(error)"]
                    logger.error("A message callback failed", metadata: metadata)
                }
            }
            tellReaders(delivery, on: side)
            if state[side].lane.isEmpty { state[side].drain = nil }
            delivered(state, side)
        }
    }

    private func tellReaders(_ delivery: State.Delivery, on side: SentBy) {
        delivery.readers.send(delivery.message)
        outlets(of: side).messages.send(delivery.message)
    }

    private func delivered(_ state: State, _ side: SentBy) {
        state[side].undelivered -= 1
        wakeSender(state)
        releaseIfIdle(state)
    }

    /// Runs a message callback, off the core.
    @concurrent
    private static func call(
        _ callback: @Sendable (Message) async throws -> Void,
        _ message: Message,
        within scope: CallScope.Delivery
    ) async throws {
        try await CallScope.$deliveries.withValue(CallScope.deliveries.union([scope])) { try await callback(message) }
    }
}
