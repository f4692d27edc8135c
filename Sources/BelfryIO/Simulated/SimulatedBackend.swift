// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A network in memory with a clock of its own, for tests that want every run to be the same.
///
/// A loop reaches its own sockets only. The clock starts at 0 and moves when there is nothing to do but wait: it then
/// jumps to the deadline. Connections hold as much as ``pipeBytes`` per direction, so back-pressure, half close, reset
/// and tails behave as in TCP; faults are drawn from the seed in ``IOOptions``.
struct SimulatedBackend: IOBackend, ~Copyable {
    static let kind = BackendKind.simulated
    /// Bytes that a connection holds in one direction until its receiver takes them.
    static let pipeBytes = 64 * 1024
    /// Datagrams that a socket holds; further ones are lost.
    static let maxQueuedDatagrams = 256
    /// The largest payload of a datagram over IPv4.
    static let maxDatagramBytes = 65_507

    let options: IOOptions
    let waker: LoopWaker
    let pool: BufferPool
    let datagramPool: BufferPool
    var kernelEntries: UInt64 = 0
    var random: SplitMix64
    var slots = SlotTable<SimulatedSocket>()
    var names = SimulatedNames()
    /// Sockets to look at with the next harvest, in the order in which they gave cause.
    var listed: [SimulatedSocket] = []
    /// Reported with the next harvest.
    var pending: [Completion] = []
    private(set) var now: Nanoseconds = 0

    static func probe() -> Result<IOCapabilities, IOError> {
        .success(IOCapabilities(backend: .simulated, features: []))
    }

    init(_ options: IOOptions) throws(IOError) {
        let waker = try LoopWaker()
        let pool = try BufferPool(slotBytes: options.receiveBufferBytes, slotCount: options.receiveBuffers)
        datagramPool = try BufferPool(slotBytes: 65_536, slotCount: 64)
        self.waker = waker
        self.pool = pool
        random = SplitMix64(seed: options.seed)
        self.options = options
    }

    var openHandles: Int { slots.count }
    func isOpen(_ handle: IOHandle) -> Bool { slots.contains(handle) }
    // Simulated connections end in one loop's memory: they can't move.
    mutating func detach(_ handle: IOHandle) -> DetachedConnection? { nil }

    mutating func attach(_ connection: DetachedConnection) throws(IOError) -> IOHandle {
        throw IOError(.unavailable, "simulated connections stay on their loop")
    }

    func localAddress(of handle: IOHandle) -> SocketAddress? { socket(handle)?.local }
    func peerAddress(of handle: IOHandle) -> SocketAddress? { socket(handle)?.remote }

    func socket(_ handle: IOHandle) -> SimulatedSocket? { slots.index(of: handle).flatMap { slots[$0] } }

    var hasDescriptors: Bool { slots.count < options.simulatedFaults.maxDescriptors }

    /// Gives a socket a slot, as a kernel gives a descriptor.
    mutating func open(_ socket: SimulatedSocket) -> IOHandle {
        let handle = slots.insert(socket)
        socket.handle = handle
        return handle
    }

    // A simulated peer never falls silent.
    func setKeepAlive(_ keepAlive: KeepAlive?, of handle: IOHandle) {}

    mutating func arm(_ operation: StandingOperation, on handle: IOHandle) {
        guard let socket = socket(handle) else { return }
        socket.isArmed = true
        list(socket)
    }

    mutating func pause(_ operation: StandingOperation, on handle: IOHandle) { socket(handle)?.isArmed = false }

    mutating func send(_ batch: SendBatch, on handle: IOHandle) -> SendAdmission {
        guard let socket = socket(handle), socket.role == .stream, !socket.hasFailed, !socket.isFinishing else {
            return .closed
        }
        guard socket.sending == nil else {
            socket.wantsWritable = true
            return .busy
        }
        socket.sending = batch
        socket.sentBytes = 0
        list(socket)
        return .queued
    }

    func isSending(_ handle: IOHandle) -> Bool { socket(handle)?.sending != nil }

    mutating func finish(_ handle: IOHandle) {
        guard let socket = socket(handle), socket.role == .stream else { return }
        socket.isFinishing = true
        list(socket)
    }

    mutating func close(_ handle: IOHandle) {
        guard let slot = slots.index(of: handle), let socket = slots[slot] else { return }
        slots.free(slot)
        socket.handle = nil
        socket.isArmed = false
        socket.sending = nil
        switch socket.role {
        case .stream: hangUp(socket)
        case .listener: dismiss(socket)
        case .datagrams: names.removeDatagrams(socket)
        }
        pending.append(.closed(handle))
        // A descriptor came back.
        for listener in names.listeners where listener.isStarved { list(listener) }
    }

    /// Has a socket looked at with the next harvest.
    mutating func list(_ socket: SimulatedSocket) {
        guard !socket.isListed else { return }
        socket.isListed = true
        listed.append(socket)
    }

    mutating func harvest(into batch: inout CompletionBatch, until deadline: Nanoseconds?) throws(IOError) {
        swap(&batch.items, &pending)
        var work: [SimulatedSocket] = []
        swap(&work, &listed)
        for socket in work {
            socket.isListed = false
            guard socket.handle != nil else { continue }
            switch socket.role {
            case .listener: accept(socket, into: &batch)
            case .stream: serve(socket, into: &batch)
            case .datagrams: receiveDatagrams(socket, into: &batch)
            }
        }
        batch.items.append(contentsOf: pending)
        pending.removeAll(keepingCapacity: true)
        if batch.items.isEmpty, listed.isEmpty { wait(until: deadline) }
    }

    /// Waits for the waker where there is no deadline, else moves the clock, unless the waker was used already.
    private mutating func wait(until deadline: Nanoseconds?) {
        if let deadline, deadline <= now { return }
        var wanted = pollfd(fd: waker.descriptor, events: Int16(POLLIN), revents: 0)
        kernelEntries += 1
        if unsafe poll(&wanted, 1, deadline == nil ? -1 : 0) > 0 {
            kernelEntries += 1
            waker.drain()
        } else if let deadline {
            now = deadline
        }
    }
}
