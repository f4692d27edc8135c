// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

#if Uring
import CLiburing
import CLinux
import Glibc

extension UringBackend {
    mutating func harvest(into batch: inout CompletionBatch, until deadline: Nanoseconds?) throws(IOError) {
        if !pending.isEmpty {
            batch.items.append(contentsOf: pending)
            pending.removeAll(keepingCapacity: true)
            mustNotWait = true
        }
        ring.rewindBuffers()
        ring.returnBuffers()
        if !starved.isEmpty { retryStarved() }
        submitSends()
        submitStandingOperations()
        submitCancellations()
        try enter(until: deadline)
        reap(into: &batch)
        settleSends(into: &batch)
        receiveDatagrams(into: &batch)
        if !pending.isEmpty {
            batch.items.append(contentsOf: pending)
            pending.removeAll(keepingCapacity: true)
        }
    }

    /// The turn's one entry into the kernel; none at all when there is nothing to do there and no time to wait.
    private mutating func enter(until deadline: Nanoseconds?) throws(IOError) {
        var deadline = deadline
        for listener in starved where deadline.map({ listener.retryAt < $0 }) ?? true { deadline = listener.retryAt }
        let canWait = !mustNotWait && readable.isEmpty && unsent.isEmpty && unarmed.isEmpty && ring.readyCount == 0
        mustNotWait = false
        let timeout: Int64 =
            switch deadline {
            case _ where !canWait: 0
            case nil: -1
            case .some(let moment) where moment <= 0: 0
            case .some(let moment): max(0, moment - now)
            }
        guard timeout != 0 || ring.needsEntry else { return }
        let answer = ring.enter(waiting: timeout)
        switch -answer {
        case ENXIO, EBADF, EBADFD, EEXIST, EFAULT, EBADR, EOPNOTSUPP:
            // Not this thread's ring, or completions that the kernel had no memory to keep: beyond repair.
            throw IOError(errno: -answer, "enter io_uring")
        default:
            // Time-out, signal, or no memory for now: the next turn goes on.
            break
        }
    }

    /// Takes all completions, including those that found no room in the queue.
    ///
    /// One entry does the deferred work of some twenty sockets (6.12 and later). Where more is due, further entries
    /// bring it into the same turn, whose fan-out then sends once for all of it.
    private mutating func reap(into batch: inout CompletionBatch) {
        var furtherEntries = 16
        while true {
            let count = ring.readyCount
            for index in 0..<count { take(ring.completion(index), &batch) }
            ring.advance(count)
            // Completions in overflow are needed: `settleSends` takes silence for success.
            // A full helping suggests leftovers; less means that what is due came only just now and can wait its turn.
            let goesOn =
                count >= 16 && furtherEntries > 0 && ring.hasDeferredWork && ring.hasBuffers
            guard ring.hasOverflow || goesOn else { return }
            furtherEntries -= 1
            ring.returnBuffers()
            ring.enter(waiting: 0)
            guard ring.readyCount > 0 else { return }
        }
    }

    private mutating func take(_ completion: UringCompletion, _ batch: inout CompletionBatch) {
        guard let operation = completion.operation, operation != .cancel else { return }
        if operation == .waker { return noteWake(completion) }
        let handle = completion.handle
        guard let slot = slots.index(of: handle), let entry = slots[slot] else { return discard(completion) }
        switch operation {
        case .accept: accepted(entry, completion, &batch)
        case .receive: received(entry, completion, &batch)
        case .send: sent(entry, completion, &batch)
        case .poll: polled(entry, completion, &batch)
        case .cancel, .waker: break
        }
        releaseIfIdle(entry, &batch)
    }

    /// Frees what a completion brought that nobody waits for.
    private func discard(_ completion: UringCompletion) {
        if let buffer = completion.buffer {
            _ = pool.noteFilled(buffer, count: Int(max(completion.result, 0)), isDone: !completion.keepsBuffer)
            pool.giveBack(buffer)
        } else if completion.operation == .accept, completion.result >= 0 {
            _ = Glibc.close(completion.result)
        }
    }

    /// Every write to the eventfd completes the poll anew, whatever its counter says, so it need not be read.
    private mutating func noteWake(_ completion: UringCompletion) {
        if !completion.hasMore { isWakerArmed = false }
    }

    // MARK: Submission

    private mutating func submitStandingOperations() {
        if !isWakerArmed { armWaker() }
        guard !unarmed.isEmpty else { return }
        var done = 0
        for entry in unarmed {
            guard submitStanding(entry) else { break }
            entry.isListed = false
            done += 1
        }
        unarmed.removeFirst(done)
    }

    private mutating func armWaker() {
        guard let entry = unsafe ring.entry() else { return }
        // The eventfd is not read first: a wake that came before the poll stands must complete it, or it would be lost
        // and the loop sleep on what it announced.
        unsafe io_uring_prep_poll_multishot(entry, waker.descriptor, UInt32(POLLIN))
        unsafe entry.pointee.user_data = UringOperation.waker.userData(.none)
        isWakerArmed = true
    }

    /// Starts what an entry's role asks for; false when the queue takes no more.
    private mutating func submitStanding(_ entry: UringEntry) -> Bool {
        guard !entry.standing, !entry.isClosing, !entry.hasFailed, !entry.hasEnded else { return true }
        guard entry.armed || entry.role == .connecting else { return true }
        guard let submission = unsafe ring.entry() else { return false }
        let operation: UringOperation
        switch entry.role {
        case .listener:
            operation = .accept
            let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            unsafe io_uring_prep_multishot_accept(submission, entry.descriptor, nil, nil, flags)
        case .stream:
            operation = .receive
            unsafe io_uring_prep_recv_multishot(submission, entry.descriptor, nil, 0, 0)
            unsafe submission.pointee.flags = UringFlags.bufferSelect
            unsafe submission.pointee.buf_group = 0
        case .datagrams:
            operation = .poll
            unsafe io_uring_prep_poll_multishot(submission, entry.descriptor, UInt32(POLLIN))
        case .connecting:
            operation = .poll
            unsafe io_uring_prep_poll_add(submission, entry.descriptor, UInt32(POLLOUT))
        }
        unsafe submission.pointee.user_data = operation.userData(entry.handle)
        entry.standing = true
        entry.outstanding += 1
        return true
    }

    private mutating func submitCancellations() {
        guard !uncancelled.isEmpty else { return }
        var done = 0
        for entry in uncancelled {
            guard submitCancellation(entry) else { break }
            done += 1
        }
        uncancelled.removeFirst(done)
    }

    /// Cancels all operations of a closed entry, or the standing one of a paused one.
    private func submitCancellation(_ entry: UringEntry) -> Bool {
        let isPaused = !entry.armed && entry.standing && !entry.cancelling
        guard entry.isClosing ? entry.outstanding > 0 : isPaused else { return true }
        guard let submission = unsafe ring.entry() else { return false }
        if entry.isClosing {
            unsafe io_uring_prep_cancel_fd(submission, entry.descriptor, UInt32(IORING_ASYNC_CANCEL_ALL))
        } else {
            let operation: UringOperation =
                switch entry.role {
                case .listener: .accept
                case .stream: .receive
                case .datagrams, .connecting: .poll
                }
            unsafe io_uring_prep_cancel64(submission, operation.userData(entry.handle), 0)
            entry.cancelling = true
        }
        unsafe submission.pointee.flags = UringFlags.skipSuccess
        unsafe submission.pointee.user_data = UringOperation.cancel.userData(.none)
        return true
    }
}
#endif
