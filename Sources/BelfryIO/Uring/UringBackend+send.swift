// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

#if Uring
import CLiburing
import CLinux
import Glibc

// A send is tried at once, without waiting, and posts a completion only if the kernel could not take all of it. So when
// the kernel has returned from taking the submission and all completions were looked at, every send that was not heard
// of is done: no completion, no second wake of the loop. What came up short goes again, and the kernel waits for room.
extension UringBackend {
    mutating func send(_ batch: SendBatch, on handle: IOHandle) -> SendAdmission {
        guard let entry = entry(handle), !entry.hasFailed, !entry.finishing else { return .closed }
        guard entry.sending == nil else {
            entry.wantsWritable = true
            return .busy
        }
        entry.sending = batch
        entry.byteCount = batch.byteCount
        entry.sentBytes = 0
        entry.waitsForRoom = !sendsAtOnce
        entry.sendState = .queued
        unsent.append(entry)
        return .queued
    }

    func isSending(_ handle: IOHandle) -> Bool { entry(handle)?.sending != nil }

    mutating func sendDatagram(_ bytes: Span<UInt8>, to address: SocketAddress, on handle: IOHandle) -> Bool {
        guard let entry = entry(handle) else { return false }
        otherEntries += 1
        return Socket.sendDatagram(bytes, to: address, from: entry.descriptor)
    }

    mutating func finish(_ handle: IOHandle) {
        guard let entry = entry(handle), !entry.finishing else { return }
        entry.finishing = true
        if entry.sending == nil, entry.role == .stream { shutDownSending(entry) }
    }

    mutating func shutDownSending(_ entry: UringEntry) {
        pending.append(.finished(entry.handle))
        otherEntries += 1
        _ = shutdown(entry.descriptor, Int32(SHUT_WR))
    }

    /// The turn's sends, one submission entry each.
    mutating func submitSends() {
        guard !unsent.isEmpty else { return }
        var done = 0
        for entry in unsent {
            guard submitSend(entry) else { break }
            done += 1
        }
        unsent.removeFirst(done)
    }

    /// False when the queue takes no more.
    private mutating func submitSend(_ entry: UringEntry) -> Bool {
        // Until it stands a connection cannot send; `finishConnecting` lists it again.
        guard entry.sendState == .queued, entry.role == .stream, let batch = entry.sending else { return true }
        guard let submission = unsafe ring.entry() else { return false }
        let flags = entry.waitsForRoom ? UringFlags.sendAll : UringFlags.sendAtOnce
        if let record = batch.record(after: entry.sentBytes) {
            entry.attempted = record.count
            let flags = flags | Int32(MSG_EOR)
            unsafe io_uring_prep_send(
                submission,
                entry.descriptor,
                record.chunk.address(record.start),
                record.count,
                flags
            )
        } else if batch.rest.isEmpty {
            let start = batch.first.start + entry.sentBytes
            entry.attempted = batch.first.end - start
            let address = unsafe batch.first.chunk.address(start)
            unsafe io_uring_prep_send(submission, entry.descriptor, address, entry.attempted, flags)
        } else {
            let message = UringMessage(batch, skipping: entry.sentBytes)
            entry.attempted = message.byteCount
            unsafe io_uring_prep_sendmsg(submission, entry.descriptor, message.header, UInt32(bitPattern: flags))
            entry.message = consume message
        }
        unsafe submission.pointee.user_data = UringOperation.send.userData(entry.handle)
        guard !entry.waitsForRoom else {
            entry.sendState = .waiting
            entry.outstanding += 1
            return true
        }
        unsafe submission.pointee.flags = UringFlags.skipSuccess
        entry.sendState = .optimistic
        entry.position = ring.position
        optimistic.append(entry)
        // Somebody waits for the end of this one, which will not wake us.
        if entry.wantsWritable || entry.finishing || entry.sentBytes + entry.attempted < entry.byteCount {
            mustNotWait = true
        }
        return true
    }

    /// A send ended with a completion: one that waited for room, or a first attempt that came up short.
    mutating func sent(_ entry: UringEntry, _ completion: UringCompletion, _ batch: inout CompletionBatch) {
        if entry.sendState == .waiting { entry.outstanding -= 1 }
        entry.sendState = .idle
        entry.message = nil
        guard !entry.isClosing, !entry.hasFailed else { return entry.dropSend() }
        switch completion.result {
        case 0...:
            entry.sentBytes += Int(completion.result)
            fallthrough
        case -EAGAIN, -EINTR:
            if entry.sentBytes >= entry.byteCount { return completeSend(entry, &batch) }
            entry.waitsForRoom = true
            entry.sendState = .queued
            unsent.append(entry)
        default:
            fail(entry, -completion.result, &batch)
        }
    }

    /// Ends the first attempts that the kernel took and said nothing about.
    mutating func settleSends(into batch: inout CompletionBatch) {
        guard !optimistic.isEmpty else { return }
        var left: [UringEntry] = []
        for entry in optimistic where entry.sendState == .optimistic {
            guard ring.hasTaken(upTo: entry.position) else {
                left.append(entry)
                continue
            }
            entry.sendState = .idle
            entry.message = nil
            guard !entry.isClosing, !entry.hasFailed else {
                entry.dropSend()
                releaseIfIdle(entry, &batch)
                continue
            }
            entry.sentBytes += entry.attempted
            if entry.sentBytes >= entry.byteCount {
                completeSend(entry, &batch)
            } else {
                // More segments than one system call carries.
                entry.sendState = .queued
                unsent.append(entry)
            }
        }
        optimistic.removeAll(keepingCapacity: true)
        if !left.isEmpty { optimistic = left }
    }

    private mutating func completeSend(_ entry: UringEntry, _ batch: inout CompletionBatch) {
        entry.dropSend()
        if entry.wantsWritable {
            entry.wantsWritable = false
            batch.items.append(.writable(entry.handle))
        }
        if entry.finishing { shutDownSending(entry) }
    }
}

extension UringEntry {
    /// Lets go of a send that the kernel does not have.
    func dropSend() {
        sendState = .idle
        sending = nil
        message = nil
    }
}
#endif
