// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// Unstructured tasks with an owner that cancels them: those that a connection starts for the application.
final class TaskPool: Sendable {
    private let state = Lock(State())

    private struct State: ~Copyable {
        var tasks: [UInt64: Task<Void, Never>] = [:]
        var last: UInt64 = 0
        var isClosed = false
    }

    /// Starts a task; not after `cancelAll`.
    func add(_ body: @escaping @Sendable () async -> Void) {
        let number = state.withLock { state in
            state.last += 1
            return state.isClosed ? 0 : state.last
        }
        guard number > 0 else { return }
        let task = Task {
            await body()
            self.state.withLock { $0.tasks[number] = nil }
        }
        state.withLock { state in
            if state.isClosed { task.cancel() } else { state.tasks[number] = task }
        }
        // One that ended before it was noted is forgotten with the next sweep.
        if task.isCancelled { state.withLock { $0.tasks[number] = nil } }
    }

    /// Cancels all; no more are started.
    func cancelAll() {
        let tasks = state.withLock { state in
            state.isClosed = true
            defer { state.tasks = [:] }
            return Array(state.tasks.values)
        }
        for task in tasks { task.cancel() }
    }
}
