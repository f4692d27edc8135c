// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What an event loop asks of its I/O engine, whichever it is: one dynamic call per operation.
protocol ReactorCore: AnyObject {
    var kind: BackendKind { get }
    var waker: LoopWaker { get }
    var now: Nanoseconds { get }
    var statistics: LoopStatistics { get }
    func listen(on address: SocketAddress, backlog: Int, handler: any IOHandler) throws(IOError) -> IOHandle
    func connect(
        to address: SocketAddress,
        from local: SocketAddress?,
        handler: any IOHandler
    ) throws(IOError) -> IOHandle
    func bindDatagrams(to address: SocketAddress, handler: any IOHandler) throws(IOError) -> IOHandle
    func isOpen(_ handle: IOHandle) -> Bool
    func setHandler(_ handler: any IOHandler, of handle: IOHandle)
    func detach(_ handle: IOHandle) -> DetachedConnection?
    func attach(_ connection: DetachedConnection) throws(IOError) -> IOHandle
    func localAddress(of handle: IOHandle) -> SocketAddress?
    func peerAddress(of handle: IOHandle) -> SocketAddress?
    func setKeepAlive(_ keepAlive: KeepAlive?, of handle: IOHandle)
    func arm(_ operation: StandingOperation, on handle: IOHandle)
    func pause(_ operation: StandingOperation, on handle: IOHandle)
    func send(_ batch: SendBatch, on handle: IOHandle) -> SendAdmission
    func isSending(_ handle: IOHandle) -> Bool
    func sendDatagram(_ bytes: Span<UInt8>, to address: SocketAddress, on handle: IOHandle) -> Bool
    func finish(_ handle: IOHandle)
    func close(_ handle: IOHandle)
    func closeAll()
    /// Waits at most until `deadline` for something to happen; `dispatch` then has to follow.
    func harvest(until deadline: Nanoseconds?) throws(IOError)
    /// Tells the handlers what happened.
    func dispatch()
}

/// One backend with the handlers of its handles.
///
/// Loop-confined.
final class Reactor<Backend: IOBackend & ~Copyable>: ReactorCore {
    private var backend: Backend
    private var handlers: [(any IOHandler)?] = []
    private var batch = CompletionBatch()
    private var living: Set<IOHandle> = []
    /// Who is still to hear of the end of a handle that was closed: its slot may have a new tenant by then.
    private var closing: [IOHandle: any IOHandler] = [:]
    private var isShuttingDown = false
    private var turns: UInt64 = 0

    init(_ backend: consuming Backend) { self.backend = backend }

    var kind: BackendKind { Backend.kind }
    var waker: LoopWaker { backend.waker }
    var now: Nanoseconds { backend.now }

    var statistics: LoopStatistics {
        LoopStatistics(
            turns: turns,
            kernelEntries: backend.kernelEntries,
            openHandles: backend.openHandles,
            leasedBuffers: backend.pool.leased + backend.datagramPool.leased
        )
    }

    func listen(on address: SocketAddress, backlog: Int, handler: any IOHandler) throws(IOError) -> IOHandle {
        try checkOpen()
        let handle = try backend.listen(on: address, backlog: backlog)
        setHandler(handler, of: handle)
        return handle
    }

    func connect(
        to address: SocketAddress,
        from local: SocketAddress?,
        handler: any IOHandler
    ) throws(IOError) -> IOHandle {
        try checkOpen()
        let handle = try backend.connect(to: address, from: local)
        setHandler(handler, of: handle)
        return handle
    }

    func bindDatagrams(to address: SocketAddress, handler: any IOHandler) throws(IOError) -> IOHandle {
        try checkOpen()
        let handle = try backend.bindDatagrams(to: address)
        setHandler(handler, of: handle)
        return handle
    }

    private func checkOpen() throws(IOError) {
        if isShuttingDown { throw IOError(.closed, "the event loop is stopping") }
    }

    func setHandler(_ handler: any IOHandler, of handle: IOHandle) {
        guard backend.isOpen(handle) else { return }
        let slot = Int(handle.slot)
        while handlers.count <= slot { handlers.append(nil) }
        handlers[slot] = handler
        living.insert(handle)
    }

    func detach(_ handle: IOHandle) -> DetachedConnection? { backend.detach(handle) }
    func attach(_ connection: DetachedConnection) throws(IOError) -> IOHandle { try backend.attach(connection) }
    func localAddress(of handle: IOHandle) -> SocketAddress? { backend.localAddress(of: handle) }
    func peerAddress(of handle: IOHandle) -> SocketAddress? { backend.peerAddress(of: handle) }
    func setKeepAlive(_ keepAlive: KeepAlive?, of handle: IOHandle) { backend.setKeepAlive(keepAlive, of: handle) }
    func arm(_ operation: StandingOperation, on handle: IOHandle) { backend.arm(operation, on: handle) }
    func pause(_ operation: StandingOperation, on handle: IOHandle) { backend.pause(operation, on: handle) }
    func send(_ batch: SendBatch, on handle: IOHandle) -> SendAdmission { backend.send(batch, on: handle) }

    func isSending(_ handle: IOHandle) -> Bool { backend.isSending(handle) }

    func sendDatagram(_ bytes: Span<UInt8>, to address: SocketAddress, on handle: IOHandle) -> Bool {
        backend.sendDatagram(bytes, to: address, on: handle)
    }

    func finish(_ handle: IOHandle) { backend.finish(handle) }

    func close(_ handle: IOHandle) {
        guard backend.isOpen(handle) else { return }
        if living.remove(handle) != nil {
            let slot = Int(handle.slot)
            closing[handle] = handlers[slot]
            handlers[slot] = nil
        }
        backend.close(handle)
    }

    func closeAll() {
        isShuttingDown = true
        for handle in living.sorted(by: { $0.slot < $1.slot }) { close(handle) }
    }

    func isOpen(_ handle: IOHandle) -> Bool { backend.isOpen(handle) }

    func harvest(until deadline: Nanoseconds?) throws(IOError) {
        turns += 1
        batch.removeAll()
        try backend.harvest(into: &batch, until: deadline)
    }

    func dispatch() {
        for index in batch.items.indices { dispatch(batch.items[index]) }
    }

    private func handler(_ handle: IOHandle) -> (any IOHandler)? {
        let slot = Int(handle.slot)
        return slot < handlers.count ? handlers[slot] : nil
    }

    private func dispatch(_ completion: Completion) {
        switch completion {
        case .received(let handle, let buffer, let start, let count):
            let lease = BufferLease(pool: backend.pool, id: buffer, start: start, count: count)
            guard backend.isOpen(handle), let handler = handler(handle) else { return }
            lease.withBytes { handler.received($0, on: handle) }
        case .receivedDatagram(let handle, let buffer, let count, let sender):
            let lease = BufferLease(pool: backend.datagramPool, id: buffer, count: count)
            let address = batch.senders[sender]
            guard backend.isOpen(handle), let handler = handler(handle) else { return }
            lease.withBytes { handler.received($0, from: address, on: handle) }
        case .accepted(let listener, let connection):
            guard backend.isOpen(listener), let handler = handler(listener) else { return backend.close(connection) }
            handler.accepted(connection, on: listener)
        case .starved(let listener): if backend.isOpen(listener) { handler(listener)?.starved(listener) }
        case .finished(let handle): if backend.isOpen(handle) { handler(handle)?.finished(handle) }
        case .ended(let handle): if backend.isOpen(handle) { handler(handle)?.ended(handle) }
        case .writable(let handle): if backend.isOpen(handle) { handler(handle)?.writable(handle) }
        case .connected(let handle): if backend.isOpen(handle) { handler(handle)?.connected(handle) }
        case .failed(let handle, let number):
            if backend.isOpen(handle) { handler(handle)?.failed(handle, IOError(errno: number, "connection")) }
        case .closed(let handle):
            closing.removeValue(forKey: handle)?.closed(handle)
        }
    }
}

/// Counters of one loop.
public struct LoopStatistics: Sendable, Hashable {
    /// Turns of the loop so far.
    public var turns: UInt64 = 0
    /// Jobs (stretches of tasks between two suspensions) that the loop ran as an executor.
    public var jobs: UInt64 = 0
    /// Those of them that came through another thread.
    public var jobsFromElsewhere: UInt64 = 0
    /// Entries into the kernel (system calls by the backend) so far.
    public var kernelEntries: UInt64 = 0
    /// Sockets open now.
    public var openHandles = 0
    /// Receive buffers lent at this moment: zero between turns.
    public var leasedBuffers = 0
}
