// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

#if Uring
import CLinux
import Glibc

extension UringBackend {
    mutating func accepted(_ entry: UringEntry, _ completion: UringCompletion, _ batch: inout CompletionBatch) {
        if completion.result >= 0 {
            take(Descriptor(completion.result), entry, &batch)
        }
        guard !completion.hasMore else { return }
        entry.standing = false
        entry.cancelling = false
        entry.outstanding -= 1
        guard !entry.isClosing, entry.armed else { return }
        switch -completion.result {
        case ..<0, 0, ECANCELED, EINTR, EAGAIN:
            list(entry)
        case ECONNABORTED, EPROTO, ENOPROTOOPT, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, ENONET, EPERM:
            // The connection died while it waited (accept(2)): next one.
            list(entry)
        default:
            starve(entry, &batch)
        }
    }

    private mutating func take(
        _ descriptor: consuming Descriptor,
        _ entry: UringEntry,
        _ batch: inout CompletionBatch
    ) {
        // A listener that was closed meanwhile hangs up on whom it accepted.
        guard !entry.isClosing else { return }
        entry.backOff = 0
        otherEntries += 1
        Socket.tune(descriptor.number, entry.family)
        guard let connection = try? adopt(descriptor, .stream, family: entry.family) else { return }
        batch.items.append(.accepted(entry.handle, connection: connection.handle))
    }

    /// Out of descriptors or memory: reported once, then tried again ever more rarely until it works.
    private mutating func starve(_ entry: UringEntry, _ batch: inout CompletionBatch) {
        if entry.backOff == 0 { batch.items.append(.starved(entry.handle)) }
        entry.backOff = min(max(entry.backOff * 2, 10_000_000), 1_000_000_000)
        entry.retryAt = now + entry.backOff
        if !starved.contains(where: { $0 === entry }) { starved.append(entry) }
    }

    mutating func retryStarved() {
        let moment = now
        for entry in starved where entry.retryAt <= moment && !entry.isClosing { list(entry) }
        starved.removeAll { $0.retryAt <= moment || $0.isClosing }
    }
}
#endif
