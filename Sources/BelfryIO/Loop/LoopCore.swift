// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Logging

/// What runs once at the end of every turn, after jobs and timers and before the kernel is entered.
package protocol TurnEndHandler: AnyObject {
    /// Hands what the turn produced to the backend; true when there is more to do than fits in one turn.
    func turnEnded() -> Bool
}

/// The part of an event loop that only its own thread touches.
final class LoopCore {
    let reactor: any ReactorCore
    private let inbox: Inbox
    private unowned let loop: EventLoop
    private var jobs: [UnownedJob] = []
    private var spareJobs: [UnownedJob] = []
    private var tasks: [() -> Void] = []
    private var spare: [Inbox.Item] = []
    private var turnEndHandlers: [any TurnEndHandler] = []
    var timers = TimerHeap()
    var isStopping = false
    private var jobsRun: UInt64 = 0
    /// Jobs that came through another executor's thread: a test holds them at zero where all is on one loop.
    private var jobsFromElsewhere: UInt64 = 0
    /// Jobs that came back to the loop through another executor's thread (style.md §4): held at zero by a test.
    var locals: [ObjectIdentifier: AnyObject] = [:]

    /// Jobs run before the sockets are served again.
    private static let maxJobsPerTurn = 1024

    init(reactor: any ReactorCore, inbox: Inbox, loop: EventLoop) {
        self.reactor = reactor
        self.inbox = inbox
        self.loop = loop
    }

    var statistics: LoopStatistics {
        var statistics = reactor.statistics
        statistics.jobs = jobsRun
        statistics.jobsFromElsewhere = jobsFromElsewhere
        return statistics
    }

    func enqueue(_ job: UnownedJob) { jobs.append(job) }
    func enqueue(_ task: @escaping () -> Void) { tasks.append(task) }
    func addTurnEndHandler(_ handler: any TurnEndHandler) { turnEndHandlers.append(handler) }

    /// Turns until stopped; then closes what is open and serves the kernel until it has let go of everything.
    func run() {
        while !isStopping {
            let hasMore = runQueued()
            let isPolling = endTurn() || hasMore
            // Whoever asked to stop did so in this turn: nothing might come that would end a wait.
            guard !isStopping else { break }
            var deadline: Nanoseconds? = 0
            if !isPolling, !isStopping, inbox.prepareToSleep() { deadline = timers.nextDeadline() }
            serve(deadline)
        }
        shutDown()
    }

    /// Runs jobs, tasks and due timers; true when some were left for the next turn.
    private func runQueued() -> Bool {
        var budget = Self.maxJobsPerTurn
        repeat {
            takeInbox()
            runTimers()
            guard !jobs.isEmpty || !tasks.isEmpty else { return false }
            budget -= runTasks()
            budget -= runJobs()
        } while budget > 0
        return !jobs.isEmpty || !tasks.isEmpty
    }

    private func takeInbox() {
        inbox.drain(into: &spare)
        guard !spare.isEmpty else { return }
        for item in spare {
            switch item {
            case .job(let job):
                jobs.append(job)
                jobsFromElsewhere += 1
            case .task(let task): tasks.append(task)
            }
        }
        spare.removeAll(keepingCapacity: true)
    }

    private func runTimers() {
        guard timers.count > 0 else { return }
        let now = reactor.now
        // A timer that sets itself again for this very moment waits for the next round, or sockets would starve.
        let newest = timers.newest
        while let action = timers.popDue(now, notAfter: newest) { action() }
    }

    private func runTasks() -> Int {
        guard !tasks.isEmpty else { return 0 }
        var batch: [() -> Void] = []
        swap(&batch, &tasks)
        for task in batch { task() }
        return batch.count
    }

    private func runJobs() -> Int {
        guard !jobs.isEmpty else { return 0 }
        var batch: [UnownedJob] = []
        // Jobs bring further ones: with two arrays in turn, neither has to be allocated anew.
        swap(&batch, &spareJobs)
        swap(&batch, &jobs)
        let serial = unsafe loop.asUnownedSerialExecutor()
        let tasks = unsafe loop.asUnownedTaskExecutor()
        for job in batch { unsafe job.runSynchronously(isolatedTo: serial, taskExecutor: tasks) }
        let count = batch.count
        jobsRun += UInt64(count)
        // The memory of a crowd is given back.
        batch.removeAll(keepingCapacity: batch.capacity <= 4 * Self.maxJobsPerTurn)
        swap(&batch, &spareJobs)
        return count
    }

    private func endTurn() -> Bool {
        var hasMore = false
        for handler in turnEndHandlers where handler.turnEnded() { hasMore = true }
        return hasMore || !jobs.isEmpty || !tasks.isEmpty
    }

    private func serve(_ deadline: Nanoseconds?) {
        do {
            try reactor.harvest(until: deadline)
        } catch {
            loop.logger.error("The I/O backend failed; the loop stops.", metadata: ["error": "\(error)"])
            isStopping = true
        }
        inbox.awake()
        // What another loop left here before its peer could know of it comes before anything the peer made arrive here:
        // a client that was let into a room there hears what others say here from then on.
        takeInbox()
        _ = runTasks()
        reactor.dispatch()
    }

    private func shutDown() {
        reactor.closeAll()
        let limit = reactor.now + 2_000_000_000
        while reactor.statistics.openHandles > 0, reactor.now < limit { serve(reactor.now + 10_000_000) }
        serve(0)
        // Tasks that were enqueued still run, and those that wait for a timer are let go, so that nobody awaits for
        // ever.
        repeat {
            for stopped in timers.removeAll() { stopped() }
            takeInbox()
            _ = runTasks()
            _ = runJobs()
        } while timers.count > 0 || !jobs.isEmpty || !tasks.isEmpty || !inbox.closeIfEmpty()
        locals = [:]
        turnEndHandlers = []
    }
}
