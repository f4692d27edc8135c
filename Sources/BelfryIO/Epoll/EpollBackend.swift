// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// The readiness kernel interface made to look like completions.
///
/// Every descriptor is registered once, edge-triggered, for reading and writing; there is no further `epoll_ctl` until
/// it is closed. Readiness is remembered, calls are made until the kernel says EAGAIN or the turn's budget is spent.
struct EpollBackend: IOBackend, ~Copyable {
    static let kind = BackendKind.epoll

    let options: IOOptions
    let waker: LoopWaker
    let pool: BufferPool
    let datagramPool: BufferPool
    var kernelEntries: UInt64 = 0
    var slots = SlotTable<EpollEntry>()
    /// Slots with a send to start this turn.
    var unsent: [Int] = []
    /// Slots that are readable and armed: looked at each turn until drained.
    var ready: [Int] = []
    /// Listeners without descriptors, and when they try again.
    var starved: [(slot: Int, handle: IOHandle, retryAt: Nanoseconds)] = []
    /// Reported with the next harvest.
    var pending: [Completion] = []
    private let epoll: Descriptor
    private var events: EventBuffer
    private static let wakerToken = UInt64.max

    static func probe() -> Result<IOCapabilities, IOError> {
        .success(IOCapabilities(backend: .epoll, features: ["edge-triggered"]))
    }

    init(_ options: IOOptions) throws(IOError) {
        let waker = try LoopWaker()
        let number = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard number >= 0 else { throw IOError(errno: errno, "make an epoll instance") }
        let epoll = Descriptor(number)
        var event = unsafe epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: Self.wakerToken))
        guard unsafe epoll_ctl(number, EPOLL_CTL_ADD, waker.descriptor, &event) == 0 else {
            throw IOError(errno: errno, "watch the waker")
        }
        let pool = try BufferPool(slotBytes: options.receiveBufferBytes, slotCount: options.receiveBuffers)
        datagramPool = try BufferPool(slotBytes: 65_536, slotCount: 64)
        self.pool = pool
        self.options = options
        self.waker = waker
        self.epoll = epoll
        events = EventBuffer(capacity: 1024)
    }

    deinit {
        for slot in 0..<slots.capacity {
            if let entry = slots[slot] { _ = Glibc.close(entry.descriptor) }
        }
    }

    var now: Nanoseconds { clinux_monotonic_ns() }
    var openHandles: Int { slots.count }

    func isOpen(_ handle: IOHandle) -> Bool { slots.contains(handle) }

    mutating func listen(on address: SocketAddress, backlog: Int) throws(IOError) -> IOHandle {
        try adopt(Socket.listen(on: address, backlog: backlog), .listener, family: address.family)
    }

    mutating func connect(to address: SocketAddress, from local: SocketAddress?) throws(IOError) -> IOHandle {
        try adopt(Socket.connect(to: address, from: local), .connecting, family: address.family)
    }

    func setKeepAlive(_ keepAlive: KeepAlive?, of handle: IOHandle) {
        guard let slot = slots.index(of: handle), let entry = slots[slot] else { return }
        Socket.setKeepAlive(keepAlive, entry.descriptor, entry.family)
    }

    mutating func bindDatagrams(to address: SocketAddress) throws(IOError) -> IOHandle {
        try adopt(Socket.bindDatagrams(to: address), .datagrams, family: address.family)
    }

    mutating func adopt(
        _ descriptor: consuming Descriptor,
        _ role: EpollEntry.Role,
        family: Int32
    ) throws(IOError) -> IOHandle {
        let number = descriptor.release()
        let handle = slots.insert(EpollEntry(descriptor: number, family: family, role: role))
        let interest = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
        let token = UInt64(handle.generation) << 32 | UInt64(handle.slot)
        var event = unsafe epoll_event(events: interest, data: epoll_data_t(u64: token))
        kernelEntries += 1
        guard unsafe epoll_ctl(epoll.number, EPOLL_CTL_ADD, number, &event) == 0 else {
            let error = IOError(errno: errno, "watch a socket")
            slots.free(Int(handle.slot))
            _ = Glibc.close(number)
            throw error
        }
        return handle
    }

    mutating func detach(_ handle: IOHandle) -> DetachedConnection? {
        guard let slot = slots.index(of: handle), let entry = slots[slot], entry.role == .stream else { return nil }
        kernelEntries += 1
        epoll_ctl(epoll.number, EPOLL_CTL_DEL, entry.descriptor, nil)
        slots.free(slot)
        return DetachedConnection(Descriptor(entry.descriptor), family: entry.family)
    }

    mutating func attach(_ connection: DetachedConnection) throws(IOError) -> IOHandle {
        guard let descriptor = connection.take() else { throw IOError(.closed, "the connection was attached before") }
        return try adopt(descriptor, .stream, family: connection.family)
    }

    func localAddress(of handle: IOHandle) -> SocketAddress? {
        guard let slot = slots.index(of: handle), let entry = slots[slot] else { return nil }
        return SocketAddress(ofSocket: entry.descriptor, peer: false)
    }

    func peerAddress(of handle: IOHandle) -> SocketAddress? {
        guard let slot = slots.index(of: handle), let entry = slots[slot] else { return nil }
        return SocketAddress(ofSocket: entry.descriptor, peer: true)
    }

    mutating func arm(_ operation: StandingOperation, on handle: IOHandle) {
        guard let slot = slots.index(of: handle) else { return }
        slots[slot]?.armed = true
        list(slot)
    }

    mutating func pause(_ operation: StandingOperation, on handle: IOHandle) {
        guard let slot = slots.index(of: handle) else { return }
        slots[slot]?.armed = false
    }

    mutating func close(_ handle: IOHandle) {
        guard let slot = slots.index(of: handle), let entry = slots[slot] else { return }
        kernelEntries += 1
        _ = Glibc.close(entry.descriptor)
        slots.free(slot)
        pending.append(.closed(handle))
        // A descriptor came back: whoever waits for one may try at once.
        for index in starved.indices { starved[index].retryAt = 0 }
    }

    /// Puts a slot on the list of those to look at, if there is something to do.
    mutating func list(_ slot: Int) {
        guard let entry = slots[slot], entry.armed, entry.readable, !entry.isListed else { return }
        slots[slot]?.isListed = true
        ready.append(slot)
    }

    mutating func harvest(into batch: inout CompletionBatch, until deadline: Nanoseconds?) throws(IOError) {
        startSends()
        swap(&batch.items, &pending)
        wait(batch.items.isEmpty && ready.isEmpty ? deadline : 0)
        if !starved.isEmpty { retryStarved() }
        receiveReady(into: &batch)
        if !pending.isEmpty {
            batch.items.append(contentsOf: pending)
            pending.removeAll(keepingCapacity: true)
        }
    }

    private mutating func wait(_ deadline: Nanoseconds?) {
        var deadline = deadline
        for listener in starved where deadline.map({ listener.retryAt < $0 }) ?? true { deadline = listener.retryAt }
        let timeout: Int64 =
            switch deadline {
            case nil: -1
            case .some(let moment) where moment <= 0: 0
            case .some(let moment): max(0, moment - now)
            }
        kernelEntries += 1
        let count = unsafe clinux_epoll_wait(epoll.number, events.base, Int32(events.capacity), timeout)
        guard count > 0 else { return }
        for index in 0..<Int(count) {
            let event = unsafe events.base[index]
            let token = unsafe event.data.u64
            guard token != Self.wakerToken else {
                kernelEntries += 1
                waker.drain()
                continue
            }
            unsafe note(event.events, UInt32(truncatingIfNeeded: token), UInt32(token >> 32))
        }
    }

    /// Remembers an edge; an event whose generation is not the slot's belongs to a former tenant.
    private mutating func note(_ edges: UInt32, _ slotNumber: UInt32, _ generation: UInt32) {
        let handle = IOHandle(slot: slotNumber, generation: generation)
        guard let slot = slots.index(of: handle), let entry = slots[slot] else { return }
        let broken = edges & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
        if entry.role == .connecting {
            if broken || edges & EPOLLOUT.rawValue != 0 { finishConnecting(slot, handle) }
            guard !broken else { return }
        }
        if broken || edges & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue) != 0 {
            slots[slot]?.readable = true
            if broken || edges & EPOLLRDHUP.rawValue != 0 { slots[slot]?.hungUp = true }
            list(slot)
        }
        if broken || edges & EPOLLOUT.rawValue != 0 {
            slots[slot]?.writable = true
            continueSend(entry, slot, handle)
        }
    }

    private mutating func finishConnecting(_ slot: Int, _ handle: IOHandle) {
        guard let entry = slots[slot] else { return }
        kernelEntries += 1
        let error = Socket.pendingError(entry.descriptor)
        slots[slot]?.role = .stream
        if error == 0 {
            pending.append(.connected(handle))
            if entry.finishing, entry.sending == nil { shutDownSending(handle, entry.descriptor) }
        } else {
            fail(slot, handle, error)
        }
    }
}

/// The memory that epoll_wait(2) fills.
@safe private struct EventBuffer: ~Copyable {
    let base: UnsafeMutablePointer<epoll_event>
    let capacity: Int

    init(capacity: Int) {
        unsafe base = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    deinit { unsafe base.deallocate() }
}
