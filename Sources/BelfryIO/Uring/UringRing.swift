// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

#if Uring
import CLiburing
import CLinux
import Glibc

/// One io_uring with the ring of receive buffers that belongs to it; used on the thread that made it.
///
/// It knows nothing of sockets: it hands out submission entries, enters the kernel and shows the completions.
@safe final class UringRing {
    /// Submission queue entries that the kernel granted.
    let entries: Int
    /// Whether deferred work runs only when this thread asks for it (6.1), and not at any return from the kernel.
    let defersTasks: Bool
    private(set) var kernelEntries: UInt64 = 0
    private let ring: UnsafeMutablePointer<io_uring>
    private var enterFlags: UInt32 = 0
    private var buffers: UringBuffers?

    /// Fewer submission entries than this are not worth having.
    static let leastEntries = 64

    /// Sets a ring up, with what the kernel knows of the newer flags and as many entries as it grants memory for.
    ///
    /// - Parameter entries: Submission entries wanted; halved while the kernel answers ENOMEM, down to 64.
    init(entries: Int, completionsPerEntry: Int = 8) throws(IOError) {
        unsafe ring = .allocate(capacity: 1)
        unsafe ring.initialize(to: io_uring())
        let memory = unsafe ring
        let chosen: UInt32
        do throws(IOError) {
            chosen = try Self.negotiate(entries) { entries, flags in
                unsafe Self.setUp(memory, entries, entries * UInt32(clamping: completionsPerEntry), flags)
            }
        } catch {
            unsafe ring.deallocate()
            throw error
        }
        defersTasks = chosen & IORING_SETUP_DEFER_TASKRUN != 0
        self.entries = unsafe Int(ring.pointee.sq.ring_entries)
        unsafe belfry_uring_number_entries(ring)
        // Spares the kernel a look-up of the descriptor with each entry; do without where it is refused.
        if unsafe io_uring_register_ring_fd(ring) == 1 { enterFlags = IORING_ENTER_REGISTERED_RING }
    }

    deinit {
        // The kernel lets go of the buffers with the ring, so their memory goes last.
        unsafe io_uring_queue_exit(ring)
        buffers = nil
        unsafe ring.deallocate()
    }

    /// From the newest kernels' to what 6.0 has.
    private static let flagSets: [UInt32] = [
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
        IORING_SETUP_SUBMIT_ALL,
    ]

    /// Lowers what is asked for until the kernel agrees; returns the flags it agreed to.
    static func negotiate(_ entries: Int, _ attempt: (_ entries: UInt32, _ flags: UInt32) -> Int32) throws(IOError)
        -> UInt32
    {
        var wanted = UInt32(clamping: min(max(entries, 1), 32_768))
        var sets = flagSets[...]
        while let flags = sets.first {
            let answer = attempt(wanted, flags)
            if answer == 0 { return flags }
            if answer == -EINVAL, sets.count > 1 {
                sets.removeFirst()
            } else if answer == -ENOMEM, wanted / 2 >= leastEntries {
                wanted /= 2
            } else {
                throw UringProbe.refusal(-answer)
            }
        }
        throw UringProbe.refusal(EINVAL)
    }

    private static func setUp(
        _ ring: UnsafeMutablePointer<io_uring>,
        _ entries: UInt32,
        _ completions: UInt32,
        _ flags: UInt32
    ) -> Int32 {
        var parameters = io_uring_params()
        parameters.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP
        parameters.cq_entries = completions
        return unsafe io_uring_queue_init_params(entries, ring, &parameters)
    }

    // MARK: Submission

    /// The next submission entry; enters the kernel when the queue is full.
    ///
    /// Nil when the kernel takes none now. Fill it with one of liburing's `io_uring_prep_` functions before asking for the next.
    func entry() -> UnsafeMutablePointer<io_uring_sqe>? {
        if let entry = unsafe io_uring_get_sqe(ring) { return unsafe entry }
        enter(waiting: 0)
        return unsafe io_uring_get_sqe(ring)
    }

    /// The position behind the entry handed out last.
    var position: UInt32 { unsafe ring.pointee.sq.sqe_tail }

    /// Whether the kernel has taken all entries before a position.
    func hasTaken(upTo position: UInt32) -> Bool {
        Int32(bitPattern: unsafe belfry_uring_taken(ring) &- position) >= 0
    }

    /// Submits what was prepared, runs deferred work, and waits for a completion.
    ///
    /// - Parameter timeout: Nanoseconds to wait at most; 0 does not wait, a negative figure waits without limit.
    /// - Returns: What the kernel answered: entries taken, or a negated `errno`.
    @discardableResult
    func enter(waiting timeout: Int64) -> Int32 {
        kernelEntries += 1
        return unsafe belfry_uring_enter(ring, belfry_uring_publish(ring), enterFlags, timeout)
    }

    /// Whether entries wait for submission, or the kernel has work or completions that only an entry brings forth.
    var needsEntry: Bool {
        unsafe ring.pointee.sq.sqe_tail != belfry_uring_taken(ring) || hasDeferredWork || hasOverflow
    }

    var hasDeferredWork: Bool { unsafe belfry_uring_flags(ring) & IORING_SQ_TASKRUN != 0 }

    /// Whether completions found the queue full: the kernel keeps them until it is entered again.
    var hasOverflow: Bool { unsafe belfry_uring_flags(ring) & IORING_SQ_CQ_OVERFLOW != 0 }

    // MARK: Completions

    /// Completions that can be looked at.
    var readyCount: UInt32 { unsafe io_uring_cq_ready(ring) }

    func completion(_ index: UInt32) -> UringCompletion {
        let answer = unsafe belfry_uring_completion(ring, index)
        return UringCompletion(userData: answer.user_data, result: answer.result, flags: answer.flags)
    }

    /// Gives the kernel the places of the first completions back.
    func advance(_ count: UInt32) { unsafe io_uring_cq_advance(ring, count) }

    // MARK: Receive buffers

    /// Lends a pool's memory to the kernel, as buffer group 0; a buffer's number is its slot.
    ///
    /// - Parameter shared: Whether the kernel is to fill a buffer piece by piece (6.12), where it can; else one receive
    ///   fills one.
    func register(_ pool: BufferPool, shared: Bool) throws(IOError) {
        let made = try UringBuffers(pool)
        let count = UInt32(made.entries)
        made.areShared =
            unsafe shared && defersTasks && belfry_uring_register_buffers(ring, made.block, count, 1) == 0
        if !made.areShared {
            let answer = unsafe belfry_uring_register_buffers(ring, made.block, count, 0)
            guard answer == 0 else { throw UringProbe.refusal(-answer, "register receive buffers") }
        }
        buffers = made
    }

    /// Whether the kernel puts what several receives bring into one buffer.
    var sharesBuffers: Bool { buffers?.areShared ?? false }

    /// Whether there are buffers enough for more receives in the same turn.
    var hasBuffers: Bool { buffers?.areEnough ?? false }

    /// Hands slots that came back to the pool to the kernel.
    func returnBuffers() { buffers?.returnSlots() }

    /// Has the kernel start anew in the buffer it is at, when nobody leases what is in it.
    ///
    /// Not while completions wait to be looked at: they may say that it is at another one by now.
    func rewindBuffers() {
        if readyCount == 0, !hasOverflow { buffers?.rewind() }
    }

    /// Notes that a receive found no buffer.
    func noteShortage() { buffers?.noteShortage() }
}

/// What the kernel says of an operation.
struct UringCompletion {
    let userData: UInt64
    let result: Int32
    let flags: UInt32

    /// Whether the operation goes on.
    var hasMore: Bool { flags & IORING_CQE_F_MORE != 0 }

    /// Whether the kernel goes on filling that buffer (IORING_CQE_F_BUF_MORE, 6.12).
    var keepsBuffer: Bool { flags & 1 << 4 != 0 }

    /// The receive buffer that was filled.
    var buffer: UInt16? {
        flags & IORING_CQE_F_BUFFER == 0 ? nil : UInt16(truncatingIfNeeded: flags >> UInt32(IORING_CQE_BUFFER_SHIFT))
    }
}
#endif
