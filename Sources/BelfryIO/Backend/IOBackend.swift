// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What keeps running on a handle until it is paused or closed.
enum StandingOperation: Sendable {
    /// Take connections from a listener.
    case accept
    /// Receive a stream into leased buffers.
    case receive
    /// Receive datagrams, one buffer each.
    case receiveDatagrams
}

/// Moments on the loop's clock, in nanoseconds since an arbitrary start.
typealias Nanoseconds = Int64

/// One I/O engine, owned by one event loop and touched only on its thread.
///
/// Completion-shaped: operations only queue, `harvest` hands them to the kernel, waits and gathers what happened.
/// No method calls out, so a handler that runs after `harvest` may call any of them.
protocol IOBackend: ~Copyable {
    /// Which backend this is.
    static var kind: BackendKind { get }

    /// What this kernel offers, or why this backend cannot run on it.
    static func probe() -> Result<IOCapabilities, IOError>

    /// Runs on the loop's own thread.
    init(_ options: IOOptions) throws(IOError)

    /// The loop's clock, now.
    var now: Nanoseconds { get }

    /// Wakes a `harvest` that waits; the only thing that other threads may touch.
    var waker: LoopWaker { get }

    /// Receive memory of streams, for leases on `.received`.
    var pool: BufferPool { get }

    /// Receive memory of datagrams, for leases on `.receivedDatagram`.
    var datagramPool: BufferPool { get }

    /// How many times the kernel was entered so far (system calls that this backend made).
    var kernelEntries: UInt64 { get }

    /// The descriptors this backend holds open.
    var openHandles: Int { get }

    /// Whether a handle still names an open socket.
    func isOpen(_ handle: IOHandle) -> Bool

    /// Binds and listens. Accepting starts with `arm(.accept)`.
    mutating func listen(on address: SocketAddress, backlog: Int) throws(IOError) -> IOHandle

    /// Starts an outgoing connection; ends in `.connected` or `.failed`.
    ///
    /// - Parameter local: The address of this machine to connect from, port 0 for any; nil leaves it to the kernel.
    mutating func connect(to address: SocketAddress, from local: SocketAddress?) throws(IOError) -> IOHandle

    /// Gives a fresh connection away, to be attached to another loop of the same kind; nil where that can't be.
    ///
    /// Only before anything was armed or sent on it. The handle is stale afterwards and no `.closed` follows.
    mutating func detach(_ handle: IOHandle) -> DetachedConnection?

    /// Takes a connection that another loop gave away.
    mutating func attach(_ connection: DetachedConnection) throws(IOError) -> IOHandle

    /// Binds a datagram socket.
    mutating func bindDatagrams(to address: SocketAddress) throws(IOError) -> IOHandle

    /// The address that a handle is bound to; nil for a stale handle.
    func localAddress(of handle: IOHandle) -> SocketAddress?

    /// The address of a connection's peer; nil for a stale handle or where there is none.
    func peerAddress(of handle: IOHandle) -> SocketAddress?

    /// Has TCP probe a silent peer, or no longer (nil); on a listener it holds for all that are accepted from then on.
    func setKeepAlive(_ keepAlive: KeepAlive?, of handle: IOHandle)

    /// Starts a standing operation; arming twice is the same as once.
    mutating func arm(_ operation: StandingOperation, on handle: IOHandle)

    /// Stops a standing operation. What had already arrived may still be reported.
    mutating func pause(_ operation: StandingOperation, on handle: IOHandle)

    /// Queues one send for the end of the turn. The batch's chunks are held until the kernel is done with them.
    mutating func send(_ batch: SendBatch, on handle: IOHandle) -> SendAdmission

    /// Whether a send is under way: queued, or taken by the kernel in part. False for a stale handle.
    func isSending(_ handle: IOHandle) -> Bool

    /// Sends one datagram now; false when the kernel has no room for it (datagrams may be lost) or it is too long.
    mutating func sendDatagram(_ bytes: Span<UInt8>, to address: SocketAddress, on handle: IOHandle) -> Bool

    /// Half-closes once what was queued before has been sent; then reports `.finished`.
    mutating func finish(_ handle: IOHandle)

    /// Closes at once, abandoning sends under way; ends in exactly one `.closed`.
    mutating func close(_ handle: IOHandle)

    /// Flushes what was queued, waits until something happens, `deadline` passes or the waker is used, and gathers.
    ///
    /// - Parameter deadline: nil waits without limit; a moment that has passed polls.
    mutating func harvest(into batch: inout CompletionBatch, until deadline: Nanoseconds?) throws(IOError)
}

extension IOBackend where Self: ~Copyable {
    /// Starts an outgoing connection from wherever the kernel chooses.
    mutating func connect(to address: SocketAddress) throws(IOError) -> IOHandle {
        try connect(to: address, from: nil)
    }
}
