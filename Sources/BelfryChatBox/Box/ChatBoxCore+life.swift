// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHistory
import BelfryIO
import DequeModule
import Logging

extension ChatBoxCore {
    typealias Metadata = Logger.Metadata

    /// Begins to send what the send queues hold.
    func start() throws(ChatBoxError) {
        guard !isRunning else { throw ChatBoxError(.limitExceeded, "the box runs already") }
        guard closing == nil else { throw .boxClosed }
        isRunning = true
        startPumps()
    }

    private func startPumps() {
        guard pumps.isEmpty else { return }
        pumps = [SentBy.service1, .service2].map { side in Task { await self.pump(side) } }
    }

    /// Sends what is put into a worker's send queue, until that is closed and empty.
    private func pump(_ side: SentBy) async {
        do {
            for try await delivery in outlets(of: side).sendQueue {
                guard case .element(let message) = delivery else { continue }
                await sendQueued(message, side)
            }
        } catch {
            logger.error("A send queue failed", metadata: ["service": "\(side)", "error": "\(error)"])
        }
    }

    private func sendQueued(_ message: Message, _ side: SentBy) async {
        do {
            try await send(message, from: side, isQueued: true)
        } catch {
            logger.error("A queued message is not sent", metadata: ["service": "\(side)", "error": "\(error)"])
        }
    }

    /// Sends a message that names its connection.
    func send(_ message: Message, from side: SentBy, isQueued: Bool = false) async throws(ChatBoxError) {
        guard message.sentBy == side else {
            throw ChatBoxError(.wrongConnection, "the message is of the other service")
        }
        let id = message.id(of: side).serviceText
        try await send(
            message.content,
            from: IDKey(side, id),
            at: message.createdAt,
            in: message.connection,
            isQueued: isQueued
        )
    }

    /// Ends everything: what is queued to be sent is stored, callbacks that are due are called, then the database closes.
    ///
    /// Goes on to its end even if the calling task is cancelled; calling it again waits for the same end. From within a
    /// callback it does not wait, since the callback would wait for itself.
    func close() async {
        if closing == nil { closing = Task { await self.end() } }
        let box = ObjectIdentifier(self)
        guard !CallScope.deliveries.contains(where: { $0.box == box }) else { return }
        await closing?.value
    }

    private func end() async {
        for side in SentBy.allCases { outlets(of: side).sendQueue.close() }
        // Those who wait for room would wait for callbacks; from now on nobody waits.
        for state in states.values {
            while let sender = state.senders.popFirst() { sender.unpark() }
        }
        startPumps()
        for pump in pumps { await pump.value }
        while let writer { await writer.value }
        await finishCallbacks()
        isStored = true
        for state in Array(states.values) { end(state) }
        states = [:]
        endFollowing()
        for side in SentBy.allCases { outlets(of: side).forgetCallbacks() }
        await database.close()
        stopped.unpark()
    }

    /// Waits for the callbacks that are under way or due; those that take too long are cancelled.
    private func finishCallbacks() async {
        let drains = states.values.flatMap { [$0[.service1].drain, $0[.service2].drain] }.compactMap(\.self)
        guard !drains.isEmpty else { return }
        let limit = configuration.closeTimeout
        let watch = Task {
            try? await Task.sleep(for: limit)
            for drain in drains { drain.cancel() }
        }
        for drain in drains { await drain.value }
        watch.cancel()
        while let writer { await writer.value }
    }
}
