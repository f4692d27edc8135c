// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

#if Uring
import CLinux
import Glibc

extension UringBackend {
    /// Notes that a standing operation is over; it is started anew as long as its owner wants it.
    mutating func standingEnded(_ entry: UringEntry) {
        entry.standing = false
        entry.cancelling = false
        entry.outstanding -= 1
        if entry.armed, !entry.isClosing { list(entry) }
    }

    mutating func received(_ entry: UringEntry, _ completion: UringCompletion, _ batch: inout CompletionBatch) {
        let result = completion.result
        if let buffer = completion.buffer {
            let count = Int(max(result, 0))
            let start = pool.noteFilled(buffer, count: count, isDone: !completion.keepsBuffer)
            if result > 0, !entry.isClosing, !entry.hasFailed {
                batch.items.append(.received(entry.handle, buffer: buffer, start: start, count: count))
            } else {
                pool.giveBack(buffer)
            }
        }
        guard !completion.hasMore else { return }
        switch -result {
        case 0:
            if !entry.hasEnded, !entry.hasFailed, !entry.isClosing {
                batch.items.append(.ended(entry.handle))
            }
            entry.hasEnded = true
        case ENOBUFS:
            ring.noteShortage()
        case ECANCELED, EINTR, EAGAIN, ..<0:
            // Paused, or cut off by the kernel's own limits: nothing that is the peer's doing.
            break
        default:
            fail(entry, -result, &batch)
        }
        standingEnded(entry)
    }

    /// A connection was decided, or datagrams are there.
    mutating func polled(_ entry: UringEntry, _ completion: UringCompletion, _ batch: inout CompletionBatch) {
        let isOver = !completion.hasMore
        if entry.role == .connecting {
            guard isOver else { return }
            entry.role = .stream
            if !entry.isClosing { finishConnecting(entry, &batch) }
        } else if completion.result >= 0, !entry.isClosing {
            noteReadable(entry)
        }
        if isOver { standingEnded(entry) }
    }

    private mutating func finishConnecting(_ entry: UringEntry, _ batch: inout CompletionBatch) {
        otherEntries += 1
        let error = Socket.pendingError(entry.descriptor)
        guard error == 0 else { return fail(entry, error, &batch) }
        batch.items.append(.connected(entry.handle))
        // What was queued before the connection stood.
        if entry.sendState == .queued { unsent.append(entry) }
        if entry.finishing, entry.sending == nil { shutDownSending(entry) }
    }

    // MARK: Datagrams

    private mutating func noteReadable(_ entry: UringEntry) {
        guard !readable.contains(where: { $0 === entry }) else { return }
        readable.append(entry)
    }

    /// Empties readable datagram sockets, each within its budget.
    mutating func receiveDatagrams(into batch: inout CompletionBatch) {
        guard !readable.isEmpty else { return }
        let sockets = readable
        readable.removeAll(keepingCapacity: true)
        for entry in sockets where !entry.isClosing && entry.armed {
            if receiveDatagrams(entry, &batch) { readable.append(entry) }
        }
    }

    /// Receives until there is nothing more; true when the budget or the buffers ended before.
    private mutating func receiveDatagrams(_ entry: UringEntry, _ batch: inout CompletionBatch) -> Bool {
        for _ in 0..<64 {
            guard !datagramPool.isExhausted else { return true }
            otherEntries += 1
            guard Socket.receiveDatagram(entry.descriptor, datagramPool, entry.handle, into: &batch) else {
                return false
            }
        }
        return true
    }
}
#endif
