// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The jobs that reach an event loop after its end, for one thread at a time to run.
final class LateJobs: Sendable {
    private struct State: ~Copyable {
        var jobs: [UnownedJob] = []
        /// True from the start: the loop's own thread is the first to run them, once it has let go of everything.
        var isRunning = true
    }

    private let state = Lock(State())

    /// Adds a job; true when the caller has to run what there is, because nobody does.
    func add(_ job: UnownedJob) -> Bool {
        state.withLock { state in
            state.jobs.append(job)
            defer { state.isRunning = true }
            return !state.isRunning
        }
    }

    /// The next job, oldest first; at the end nil, after `beforeLast` has run and before another thread may start.
    func next(beforeLast: () -> Void) -> UnownedJob? {
        state.withLock { state in
            if !state.jobs.isEmpty { return state.jobs.removeFirst() }
            beforeLast()
            state.isRunning = false
            return nil
        }
    }
}
