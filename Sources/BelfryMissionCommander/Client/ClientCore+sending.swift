// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import Logging

extension ClientCore {
    /// Queues a frame, for the link that stands or for the next one; waits while the server is slow.
    ///
    /// - Returns: false when there is no link and none is tried.
    func send(_ frame: [UInt8]) async throws(MissionCommanderError) -> Bool {
        while outlet == .link, !outbox.isEmpty, outbox.byteCount + frame.count > configuration.maxQueuedBytes {
            let waiter = Parker<Void>()
            senders.append(waiter)
            if case .cancelled = await waiter.park() {
                senders.removeAll { $0 === waiter }
                throw MissionCommanderError(.notConnected, "Cancelled while waiting for a slow server")
            }
        }
        switch outlet {
        case .none:
            logger.warning("Client is not connected")
            return false
        case .link:
            outbox.append(frame)
            pump()
        case .queue:
            guard outbox.count < configuration.maxQueuedMessages,
                outbox.byteCount + frame.count <= configuration.maxQueuedBytes
            else {
                throw MissionCommanderError(
                    .queueFull,
                    "\(outbox.count) messages of \(outbox.byteCount) bytes wait for a link already"
                )
            }
            outbox.append(frame)
        }
        return true
    }

    /// Lets those go on who wait in `send`; each looks for itself.
    func outboxShrank() {
        guard !senders.isEmpty, outlet != .link || outbox.byteCount < configuration.maxQueuedBytes else { return }
        let waiting = senders
        senders = []
        for waiter in waiting { waiter.unpark() }
    }

    /// Forgets what waits: no link will come to take it.
    func discardOutbox() {
        if !outbox.isEmpty {
            logger.warning("Messages that waited to be sent are lost", metadata: ["count": "\(outbox.count)"])
        }
        outbox.removeAll()
        outboxShrank()
    }
}
