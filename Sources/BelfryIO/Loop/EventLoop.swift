// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
public import Logging
import Synchronization

// Safe because what is mutable is either an atomic, behind the inbox's lock, or in `core`, which is written once before
// the loop is handed out and then touched on the loop's own thread only (checked by `onLoop`).
/// One thread that serves sockets, timers and jobs, in turns: an I/O engine that is a Swift executor.
///
/// Actors pin themselves to a loop through `LoopBound`; tasks are kept on it with
/// `Task(executorPreference: loop)`. A turn runs jobs and timers, lets the fan-out hand over what they produced, and
/// enters the kernel once.
@safe public final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    /// The engine that was chosen.
    public let backend: BackendKind
    let logger: Logger
    private let inbox = Inbox()
    private let waker: LoopWaker
    private let thread = Atomic<UInt>(0)
    private let finished = Lock(Finish())
    private let leftovers = LateJobs()
    private let index: Int
    nonisolated(unsafe) private var core: LoopCore?  // Safe because only the loop's thread touches it, see above.

    private struct Finish: ~Copyable {
        var isFinished = false
        var waiters: [@Sendable () -> Void] = []
    }

    /// Starts a loop on a thread of its own.
    ///
    /// - Parameters:
    ///   - backend: The engine; `BackendSelection` chooses one.
    ///   - options: The sizes it works with.
    ///   - index: The loop's number in its group, from 0.
    ///   - logger: Hears of failures of the engine.
    /// - Throws: ``IOError`` when the kernel refuses what the engine needs.
    public convenience init(
        backend: BackendKind,
        options: IOOptions = IOOptions(),
        index: Int = 0,
        logger: Logger = Logger(label: "belfry.io")
    ) throws(IOError) {
        let starter = LoopStarter(backend: backend, options: options)
        let waker = try starter.start()
        self.init(backend: backend, waker: waker, index: index, logger: logger)
        starter.run(self)
    }

    private init(backend: BackendKind, waker: LoopWaker, index: Int, logger: Logger) {
        self.backend = backend
        self.waker = waker
        self.index = index
        self.logger = logger
    }

    /// Runs on the loop's own thread until `stop`; `conclude` then has to follow.
    func runOnThisThread(_ reactor: any ReactorCore, started: () -> Void) {
        thread.store(UInt(pthread_self()), ordering: .releasing)
        let core = LoopCore(reactor: reactor, inbox: inbox, loop: self)
        unsafe self.core = core
        started()
        core.run()
        unsafe self.core = nil
    }

    /// Lets go of those who wait for the end, once the engine and its descriptors are gone.
    func conclude() {
        runLateJobs()
        let waiters = finished.withLock { state in
            state.isFinished = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter() }
    }

    // MARK: Executor

    /// Takes a job: without lock or wake from the loop's own thread, through the inbox from elsewhere.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent, let core = unsafe core { return core.enqueue(job) }
        // The runtime does not hold the executor: the job does, through its actor, and the job may have run, and the
        // last reference to the loop be gone, before this call is done.
        let keeper = unsafe Unmanaged.passRetained(self)
        defer { unsafe keeper.release() }
        switch inbox.push(.job(job)) {
        case .accepted: break
        case .acceptedWake: waker.wake()
        case .closed:
            // The loop has ended; the job still has to run or its task would never finish. There is no loop-confined
            // I/O left that it could touch.
            if leftovers.add(job) { runLateJobs() }
        }
    }

    /// Runs the jobs that came after the end, on whichever thread is the first to bring one.
    ///
    /// One thread at a time, which counts as the loop's own meanwhile: actors stay serial, and what they ask of the
    /// loop answers that it is closed.
    private func runLateJobs() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        while let job = leftovers.next(beforeLast: { thread.store(0, ordering: .relaxed) }) {
            unsafe job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        }
    }

    /// The loop as an actor's executor.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        unsafe UnownedSerialExecutor(complexEquality: self)
    }

    /// Two references to the same loop are the same context.
    public func isSameExclusiveExecutionContext(other: EventLoop) -> Bool { self === other }

    /// Traps off the loop.
    public func checkIsolated() { preconditionOnLoop() }

    /// Whether this code runs on the loop.
    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    // MARK: Loop

    /// Whether this code runs on the loop's thread.
    public var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Traps off the loop: a programming error, never a consequence of input.
    package func preconditionOnLoop() {
        precondition(isCurrent, "This must run on event loop \(index).")
    }

    /// Runs `task` on the loop, soon; dropped, and false, when the loop has stopped.
    @discardableResult
    package func execute(_ task: @escaping @Sendable () -> Void) -> Bool {
        if isCurrent, let core = unsafe core {
            core.enqueue(task)
            return true
        }
        switch inbox.push(.task(task)) {
        case .accepted: return true
        case .acceptedWake:
            waker.wake()
            return true
        case .closed: return false
        }
    }

    /// The loop-confined part; on the loop's thread, while it runs.
    func onLoop<R>(_ body: (LoopCore) throws(IOError) -> R) throws(IOError) -> R {
        preconditionOnLoop()
        guard let core = unsafe core else { throw IOError(.closed, "the event loop has stopped") }
        return try body(core)
    }

    /// Asks the loop to close what is open and end.
    ///
    /// `waitUntilStopped` tells when it has.
    public func stop() {
        execute { [self] in unsafe core?.isStopping = true }
    }

    /// Suspends until the loop's thread has ended its work.
    public func waitUntilStopped() async {
        await withCheckedContinuation { continuation in
            let isFinished = finished.withLock { state in
                if !state.isFinished { state.waiters.append { continuation.resume() } }
                return state.isFinished
            }
            if isFinished { continuation.resume() }
        }
    }
}
