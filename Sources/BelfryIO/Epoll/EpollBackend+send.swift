// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

extension EpollBackend {
    mutating func send(_ batch: SendBatch, on handle: IOHandle) -> SendAdmission {
        guard let slot = slots.index(of: handle), let entry = slots[slot], !entry.hasFailed, !entry.finishing else {
            return .closed
        }
        guard entry.sending == nil else {
            entry.wantsWritable = true
            return .busy
        }
        entry.sending = batch
        entry.sentBytes = 0
        unsent.append(slot)
        return .queued
    }

    func isSending(_ handle: IOHandle) -> Bool { slots.index(of: handle).flatMap { slots[$0] }?.sending != nil }

    mutating func sendDatagram(_ bytes: Span<UInt8>, to address: SocketAddress, on handle: IOHandle) -> Bool {
        guard let slot = slots.index(of: handle), let entry = slots[slot] else { return false }
        kernelEntries += 1
        return Socket.sendDatagram(bytes, to: address, from: entry.descriptor)
    }

    mutating func finish(_ handle: IOHandle) {
        guard let slot = slots.index(of: handle), let entry = slots[slot], !entry.finishing else { return }
        slots[slot]?.finishing = true
        // One that is still connecting does so once it stands.
        if entry.sending == nil, entry.role == .stream { shutDownSending(handle, entry.descriptor) }
    }

    mutating func shutDownSending(_ handle: IOHandle, _ descriptor: Int32) {
        pending.append(.finished(handle))
        kernelEntries += 1
        _ = shutdown(descriptor, Int32(SHUT_WR))
    }

    /// The turn's sends, one system call each.
    mutating func startSends() {
        guard !unsent.isEmpty else { return }
        for slot in unsent {
            guard let handle = slots.handle(at: slot), let entry = slots[slot], entry.sending != nil else { continue }
            // Until it stands a connection cannot send; the edge that says so starts the send.
            if entry.writable, entry.role == .stream { continueSend(entry, slot, handle) }
        }
        unsent.removeAll(keepingCapacity: true)
    }

    /// Sends until done or the kernel has no room.
    mutating func continueSend(_ entry: EpollEntry, _ slot: Int, _ handle: IOHandle) {
        while let batch = entry.sending {
            kernelEntries += 1
            let count = transmit(batch, skipping: entry.sentBytes, entry.descriptor)
            if count >= 0 {
                let sent = entry.sentBytes + count
                if sent >= batch.byteCount { return completeSend(entry, handle) }
                entry.sentBytes = sent
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                entry.writable = false
                return
            default:
                return fail(slot, handle, errno)
            }
        }
    }

    private mutating func completeSend(_ entry: EpollEntry, _ handle: IOHandle) {
        entry.sending = nil
        if entry.wantsWritable {
            entry.wantsWritable = false
            pending.append(.writable(handle))
        }
        if entry.finishing { shutDownSending(handle, entry.descriptor) }
    }

    private func transmit(_ batch: SendBatch, skipping sent: Int, _ descriptor: Int32) -> Int {
        let flags = Int32(MSG_NOSIGNAL)
        if let record = batch.record(after: sent) {
            let flags = flags | Int32(MSG_EOR)
            return unsafe Glibc.send(descriptor, record.chunk.address(record.start), record.count, flags)
        }
        if batch.rest.isEmpty {
            let first = batch.first
            return unsafe Glibc.send(descriptor, first.chunk.address(first.start + sent), first.count - sent, flags)
        }
        return unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: SegmentVector.maxCount) { vector in
            var message = unsafe msghdr()
            unsafe message.msg_iov = vector.baseAddress
            unsafe message.msg_iovlen = SegmentVector.fill(vector, batch, skipping: sent)
            return unsafe sendmsg(descriptor, &message, flags)
        }
    }
}
