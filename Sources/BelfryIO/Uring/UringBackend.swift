// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

#if Uring
import CLiburing
import CLinux
import Glibc

/// The completion kernel interface, from Linux 6.0.
///
/// Accepting and receiving are multishot operations that stand until they are cancelled; sends complete while they are
/// submitted and cost no completion. Every call only leaves a note in a list; `harvest` turns the notes into submission
/// entries, so that one entry into the kernel submits, waits and brings what happened.
struct UringBackend: IOBackend, ~Copyable {
    static let kind = BackendKind.uring

    let options: IOOptions
    let waker: LoopWaker
    let pool: BufferPool
    let datagramPool: BufferPool
    let ring: UringRing
    /// Whether this kernel completes sends at once; else each send waits for its completion.
    let sendsAtOnce: Bool
    var slots = SlotTable<UringEntry>()
    /// System calls made outside the ring.
    var otherEntries: UInt64 = 0
    /// Entries with a standing operation to start.
    var unarmed: [UringEntry] = []
    /// Entries with operations to cancel.
    var uncancelled: [UringEntry] = []
    /// Entries with a send to start.
    var unsent: [UringEntry] = []
    /// Entries whose sends the kernel completes without a word.
    var optimistic: [UringEntry] = []
    /// Datagram sockets that are readable.
    var readable: [UringEntry] = []
    /// Listeners without descriptors, which try again at a time.
    var starved: [UringEntry] = []
    /// Reported with the next harvest.
    var pending: [Completion] = []
    /// Something of this turn ends without a completion that would wake: don't wait for one.
    var mustNotWait = false
    /// Whether the kernel watches the waker.
    var isWakerArmed = false

    static func probe() -> Result<IOCapabilities, IOError> { UringProbe.run() }

    init(_ options: IOOptions) throws(IOError) {
        do throws(IOError) {
            try self.init(options, completionsPerEntry: 8, sharesBuffers: true)
        } catch  where error.code == .unavailable {
            try self.init(options, completionsPerEntry: 8, sharesBuffers: false)
        }
    }

    /// - Parameters:
    ///   - completionsPerEntry: Size of the completion queue; a test makes it overflow.
    ///   - sharesBuffers: Whether the kernel is to fill receive buffers piece by piece, as 6.12 can.
    /// - Throws: `unavailable` also if it fills them piece by piece and cannot start anew in one.
    init(_ options: IOOptions, completionsPerEntry: Int, sharesBuffers: Bool) throws(IOError) {
        let waker = try LoopWaker()
        let ring = try UringRing(entries: options.submissionEntries, completionsPerEntry: completionsPerEntry)
        let pool = try BufferPool(slotBytes: options.receiveBufferBytes, slotCount: options.receiveBuffers)
        let datagramPool = try BufferPool(slotBytes: 65_536, slotCount: 64)
        try ring.register(pool, shared: sharesBuffers)
        if ring.sharesBuffers, !UringProbe.rewinds(ring, pool) {
            throw IOError(.unavailable, "this kernel does not start anew in a receive buffer")
        }
        self.waker = waker
        self.ring = ring
        self.pool = pool
        self.datagramPool = datagramPool
        self.options = options
        sendsAtOnce = UringProbe.completesSendsAtOnce(ring)
    }

    deinit { tearDown() }

    var now: Nanoseconds { clinux_monotonic_ns() }
    var openHandles: Int { slots.count }
    var kernelEntries: UInt64 { ring.kernelEntries + otherEntries }

    func isOpen(_ handle: IOHandle) -> Bool { entry(handle) != nil }

    /// The entry of a handle whose owner has not closed it.
    func entry(_ handle: IOHandle) -> UringEntry? {
        guard let slot = slots.index(of: handle), let entry = slots[slot], !entry.isClosing else { return nil }
        return entry
    }

    mutating func listen(on address: SocketAddress, backlog: Int) throws(IOError) -> IOHandle {
        try adopt(Socket.listen(on: address, backlog: backlog), .listener, family: address.family).handle
    }

    mutating func connect(to address: SocketAddress, from local: SocketAddress?) throws(IOError) -> IOHandle {
        let entry = try adopt(Socket.connect(to: address, from: local), .connecting, family: address.family)
        list(entry)
        return entry.handle
    }

    func setKeepAlive(_ keepAlive: KeepAlive?, of handle: IOHandle) {
        guard let entry = entry(handle) else { return }
        Socket.setKeepAlive(keepAlive, entry.descriptor, entry.family)
    }

    mutating func bindDatagrams(to address: SocketAddress) throws(IOError) -> IOHandle {
        try adopt(Socket.bindDatagrams(to: address), .datagrams, family: address.family).handle
    }

    mutating func adopt(
        _ descriptor: consuming Descriptor,
        _ role: UringEntry.Role,
        family: Int32
    ) throws(IOError) -> UringEntry {
        // User data has 24 bits for the slot.
        guard slots.count < 1 << 24 else { throw IOError(.tooManyDescriptors, "too many sockets on one event loop") }
        let entry = UringEntry(descriptor.release(), role, family: family)
        entry.handle = slots.insert(entry)
        return entry
    }

    mutating func detach(_ handle: IOHandle) -> DetachedConnection? {
        guard let entry = entry(handle), entry.role == .stream, entry.isIdle, !entry.armed, entry.sending == nil else {
            return nil
        }
        slots.free(Int(handle.slot))
        return DetachedConnection(Descriptor(entry.descriptor), family: entry.family)
    }

    mutating func attach(_ connection: DetachedConnection) throws(IOError) -> IOHandle {
        guard let descriptor = connection.take() else { throw IOError(.closed, "the connection was attached before") }
        return try adopt(descriptor, .stream, family: connection.family).handle
    }

    func localAddress(of handle: IOHandle) -> SocketAddress? {
        entry(handle).flatMap { SocketAddress(ofSocket: $0.descriptor, peer: false) }
    }

    func peerAddress(of handle: IOHandle) -> SocketAddress? {
        entry(handle).flatMap { SocketAddress(ofSocket: $0.descriptor, peer: true) }
    }

    // MARK: Standing operations

    mutating func arm(_ operation: StandingOperation, on handle: IOHandle) {
        guard let entry = entry(handle) else { return }
        entry.armed = true
        list(entry)
    }

    mutating func pause(_ operation: StandingOperation, on handle: IOHandle) {
        guard let entry = entry(handle), entry.armed else { return }
        entry.armed = false
        if entry.standing, entry.role != .connecting { uncancelled.append(entry) }
    }

    /// Notes that an entry may have a standing operation to start.
    mutating func list(_ entry: UringEntry) {
        guard !entry.isListed, !entry.standing else { return }
        entry.isListed = true
        unarmed.append(entry)
    }

    /// Reports a broken connection once; the owner closes it.
    func fail(_ entry: UringEntry, _ error: Int32, _ batch: inout CompletionBatch) {
        guard !entry.hasFailed, !entry.isClosing else { return }
        entry.hasFailed = true
        if entry.sendState == .idle || entry.sendState == .queued { entry.dropSend() }
        batch.items.append(.failed(entry.handle, errno: error))
    }

    // MARK: Closing

    mutating func close(_ handle: IOHandle) {
        guard let entry = entry(handle) else { return }
        entry.isClosing = true
        if entry.sendState == .queued { entry.dropSend() }
        guard entry.isIdle else { return uncancelled.append(entry) }
        release(entry)
        pending.append(.closed(handle))
    }

    /// Ends a closed entry that the kernel has nothing of any more.
    mutating func releaseIfIdle(_ entry: UringEntry, _ batch: inout CompletionBatch) {
        guard entry.isClosing, entry.isIdle else { return }
        release(entry)
        batch.items.append(.closed(entry.handle))
    }

    private mutating func release(_ entry: UringEntry) {
        otherEntries += 1
        _ = Glibc.close(entry.descriptor)
        entry.dropSend()
        slots.free(Int(entry.handle.slot))
        // A descriptor came back: whoever waits for one may try at once.
        for listener in starved {
            listener.retryAt = 0
            listener.backOff = 0
        }
    }

    /// Cancels everything, waits until the kernel has let go, and closes the descriptors.
    private func tearDown() {
        var outstanding = isWakerArmed ? 1 : 0
        for slot in 0..<slots.capacity { outstanding += slots[slot]?.outstanding ?? 0 }
        if outstanding > 0, let entry = unsafe ring.entry() {
            unsafe io_uring_prep_cancel64(entry, 0, Int32(IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL))
            unsafe entry.pointee.flags = UringFlags.skipSuccess
            unsafe entry.pointee.user_data = UringOperation.cancel.userData(.none)
        }
        // What is not over within a second, the kernel ends with the ring.
        var rounds = 100
        while outstanding > 0, rounds > 0 {
            ring.enter(waiting: 10_000_000)
            let count = ring.readyCount
            if count == 0 { rounds -= 1 }
            for index in 0..<count {
                let completion = ring.completion(index)
                if completion.operation == .accept, completion.result >= 0 { _ = Glibc.close(completion.result) }
                if completion.operation != .cancel, !completion.hasMore { outstanding -= 1 }
            }
            ring.advance(count)
        }
        for slot in 0..<slots.capacity {
            if let entry = slots[slot] { _ = Glibc.close(entry.descriptor) }
        }
    }
}
#endif
