// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

extension EpollBackend {
    /// Serves the handles that are readable, each within its budget; those with more left stay on the list.
    mutating func receiveReady(into batch: inout CompletionBatch) {
        guard !ready.isEmpty else { return }
        // Who found no buffer comes first next time, before those that had their share.
        var waiting: [Int] = []
        var again: [Int] = []
        for slot in ready {
            guard let handle = slots.handle(at: slot), let entry = slots[slot] else { continue }
            slots[slot]?.isListed = false
            guard entry.armed, entry.readable, !entry.hasEnded, !entry.hasFailed else { continue }
            if entry.role == .stream, pool.isExhausted {
                slots[slot]?.isListed = true
                waiting.append(slot)
                continue
            }
            let hasMore =
                switch entry.role {
                case .listener: accept(slot, handle, into: &batch)
                case .stream: receive(slot, handle, into: &batch)
                case .datagrams: receiveDatagrams(slot, handle, into: &batch)
                case .connecting: false
                }
            if hasMore {
                slots[slot]?.isListed = true
                again.append(slot)
            }
        }
        ready = waiting + again
    }

    private mutating func receive(_ slot: Int, _ handle: IOHandle, into batch: inout CompletionBatch) -> Bool {
        guard let descriptor = slots[slot]?.descriptor else { return false }
        var budget = options.maxReceiveBytesPerTurn
        while budget > 0 {
            guard let buffer = pool.take() else { return true }
            kernelEntries += 1
            let count = unsafe recv(descriptor, pool.address(buffer), pool.slotBytes, 0)
            if count > 0 {
                batch.items.append(.received(handle, buffer: buffer, start: 0, count: count))
                budget -= count
                // Less than asked for means drained: what comes later brings a new edge (epoll(7)).
                // The end of the stream told with an earlier edge brings none, so then reading goes on.
                if count < pool.slotBytes, slots[slot]?.hungUp == false {
                    slots[slot]?.readable = false
                    return false
                }
                continue
            }
            let error = errno
            pool.giveBack(buffer)
            if count == 0 {
                slots[slot]?.hasEnded = true
                batch.items.append(.ended(handle))
                return false
            }
            switch error {
            case EINTR: continue
            case EAGAIN:
                slots[slot]?.readable = false
                return false
            default:
                fail(slot, handle, error)
                return false
            }
        }
        return true
    }

    private mutating func accept(_ slot: Int, _ handle: IOHandle, into batch: inout CompletionBatch) -> Bool {
        guard let entry = slots[slot] else { return false }
        for _ in 0..<options.maxAcceptsPerTurn {
            kernelEntries += 1
            let number = clinux_accept(entry.descriptor)
            if number >= 0 {
                Socket.tune(number, entry.family)
                slots[slot]?.backOff = 0
                guard let connection = try? adopt(Descriptor(number), .stream, family: entry.family) else { continue }
                batch.items.append(.accepted(handle, connection: connection))
                continue
            }
            switch errno {
            case EAGAIN:
                slots[slot]?.readable = false
                return false
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                starve(slot, handle)
                batch.items.append(.starved(handle))
                return false
            default:
                // The connection died while it waited (ECONNABORTED and the network errors of accept(2)): next one.
                continue
            }
        }
        return true
    }

    private mutating func starve(_ slot: Int, _ handle: IOHandle) {
        let backOff = min(max((slots[slot]?.backOff ?? 0) * 2, 10_000_000), 1_000_000_000)
        slots[slot]?.backOff = backOff
        starved.append((slot, handle, now + backOff))
    }

    mutating func retryStarved() {
        let moment = now
        for listener in starved where listener.retryAt <= moment && slots.contains(listener.handle) {
            list(listener.slot)
        }
        starved.removeAll { $0.retryAt <= moment || !slots.contains($0.handle) }
    }

    private mutating func receiveDatagrams(_ slot: Int, _ handle: IOHandle, into batch: inout CompletionBatch) -> Bool {
        guard let descriptor = slots[slot]?.descriptor else { return false }
        for _ in 0..<64 {
            guard !datagramPool.isExhausted else { return true }
            kernelEntries += 1
            guard Socket.receiveDatagram(descriptor, datagramPool, handle, into: &batch) else {
                slots[slot]?.readable = false
                return false
            }
        }
        return true
    }

    /// Reports a broken connection once; the owner closes it.
    mutating func fail(_ slot: Int, _ handle: IOHandle, _ error: Int32) {
        guard slots[slot]?.hasFailed == false else { return }
        slots[slot]?.hasFailed = true
        slots[slot]?.sending = nil
        pending.append(.failed(handle, errno: error))
    }
}
