struct SimulatedBackend: IOBackend, ~Copyable {
    static let kind = BackendKind.simulated
    private var inner: EpollBackend
    static func probe() -> Result<IOCapabilities, IOError> { .failure(IOError(.unavailable, "not written")) }
    init(_ options: IOOptions) throws(IOError) { throw IOError(.unavailable, "not written") }
    var now: Nanoseconds { inner.now }
    var waker: LoopWaker { inner.waker }
    var pool: BufferPool { inner.pool }
    var datagramPool: BufferPool { inner.datagramPool }
    var kernelEntries: UInt64 { 0 }
    var openHandles: Int { 0 }
    func isOpen(_ handle: IOHandle) -> Bool { false }
    mutating func listen(on address: SocketAddress, backlog: Int) throws(IOError) -> IOHandle { .none }
    mutating func connect(to address: SocketAddress) throws(IOError) -> IOHandle { .none }
    mutating func bindDatagrams(to address: SocketAddress) throws(IOError) -> IOHandle { .none }
    mutating func detach(_ handle: IOHandle) -> DetachedConnection? { nil }
    mutating func attach(_ connection: DetachedConnection) throws(IOError) -> IOHandle { .none }
    func localAddress(of handle: IOHandle) -> SocketAddress? { nil }
    func peerAddress(of handle: IOHandle) -> SocketAddress? { nil }
    mutating func arm(_ operation: StandingOperation, on handle: IOHandle) {}
    mutating func pause(_ operation: StandingOperation, on handle: IOHandle) {}
    mutating func send(_ batch: SendBatch, on handle: IOHandle) -> SendAdmission { .closed }
    mutating func sendDatagram(_ bytes: Span<UInt8>, to address: SocketAddress, on handle: IOHandle) -> Bool { false }
    mutating func finish(_ handle: IOHandle) {}
    mutating func close(_ handle: IOHandle) {}
    mutating func harvest(into batch: inout CompletionBatch, until deadline: Nanoseconds?) throws(IOError) {}
}
