// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
public import Logging
import Synchronization

/// One thread that serves sockets, timers and jobs, in turns: an I/O engine that is a Swift executor.
///
/// Actors pin themselves to a loop through `LoopBound`; tasks are kept on it with
/// `Task(executorPreference: loop)`. A turn runs jobs and timers, lets the fan-out hand over what they produced, and
/// enters the kernel once.
// Safe because what is mutable is either an atomic, behind the inbox's lock, or in `core`, which is written once before
// the loop is handed out and then touched on the loop's own thread only (checked by `onLoop`).
@safe public final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    /// The engine that was chosen.
    public let backend: BackendKind
    let logger: Logger
    private let inbox = Inbox()
    private let waker: LoopWaker
    private let thread = Atomic<UInt>(0)
    private let finished = Lock(Finish())
    private let late = Lock(Late())
    private let index: Int
    nonisolated(unsafe) private var core: LoopCore?  // Safe because only the loop's thread touches it, see above.

    /// Jobs that came after the loop's end.
    private struct Late: ~Copyable {
        var jobs: [UnownedJob] = []
        /// Whether some thread sees to them; the loop's own until it has ended.
        var isRunning = true
    }

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

    /// Runs on the loop's own thread until `stop`.
    func runOnThisThread(_ reactor: any ReactorCore, started: () -> Void) {
        thread.store(UInt(pthread_self()), ordering: .releasing)
        let core = LoopCore(reactor: reactor, inbox: inbox, loop: self)
        unsafe self.core = core
        started()
        core.run()
        unsafe self.core = nil
        runLate()
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
        switch inbox.push(.job(job)) {
        case .accepted: break
        case .acceptedWake: waker.wake()
        case .closed:
            runAfterTheEnd(job)
        }
    }

    /// The loop has ended, but a job still has to run or its task would never finish: on this thread, one at a time.
    ///
    /// While it runs, this thread counts as the loop's, so that what is confined to the loop may be looked at. There is
    /// no I/O any more: `onLoop` says so.
    private func runAfterTheEnd(_ job: UnownedJob) {
        let isMine = late.withLock { late in
            late.jobs.append(job)
            defer { late.isRunning = true }
            return !late.isRunning
        }
        guard isMine else { return }
        // The runtime does not hold an executor, and one of these jobs may let go of its last owner.
        let held = unsafe Unmanaged.passRetained(self)
        defer { unsafe held.release() }
        thread.store(UInt(pthread_self()), ordering: .releasing)
        runLate()
    }

    private func runLate() {
        while let job = nextLate() {
            unsafe job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        }
    }

    private func nextLate() -> UnownedJob? {
        late.withLock { late in
            guard late.jobs.isEmpty else { return late.jobs.removeFirst() }
            late.isRunning = false
            // Under the lock: whoever comes next has not named its thread yet.
            thread.store(0, ordering: .releasing)
            return nil
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

    /// Runs `task` on the loop, soon; dropped when the loop has stopped.
    package func execute(_ task: @escaping @Sendable () -> Void) {
        if isCurrent, let core = unsafe core { return core.enqueue(task) }
        if case .acceptedWake = inbox.push(.task(task)) { waker.wake() }
    }

    /// The loop-confined part; on the loop's thread, while it runs.
    func onLoop<R>(_ body: (LoopCore) throws(IOError) -> R) throws(IOError) -> R {
        preconditionOnLoop()
        guard let core = unsafe core else { throw IOError(.closed, "the event loop has stopped") }
        return try body(core)
    }

    /// Asks the loop to close what is open and end. `waitUntilStopped` tells when it has.
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
