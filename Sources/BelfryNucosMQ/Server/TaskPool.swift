// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// Unstructured tasks with an owner that cancels them: those that a connection starts for the application.
final class TaskPool: Sendable {
    private let state = Lock(State())

    private struct State: ~Copyable {
        /// Nil for a task that is being started.
        var tasks: [UInt64: Task<Void, Never>?] = [:]
        var last: UInt64 = 0
        var isClosed = false
    }

    /// Starts a task; not after `cancelAll`.
    func add(_ body: @escaping @Sendable () async -> Void) {
        let number: UInt64? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.last += 1
            state.tasks.updateValue(nil, forKey: state.last)
            return state.last
        }
        guard let number else { return }
        let task = Task {
            await body()
            self.state.withLock { _ = $0.tasks.removeValue(forKey: number) }
        }
        state.withLock { state in
            if state.isClosed { task.cancel() }
            // Not one that has ended already.
            if state.tasks[number] != nil { state.tasks.updateValue(task, forKey: number) }
        }
    }

    /// Cancels all; no more are started.
    func cancelAll() {
        let tasks = state.withLock { state in
            state.isClosed = true
            defer { state.tasks = [:] }
            return state.tasks.values.compactMap(\.self)
        }
        for task in tasks { task.cancel() }
    }
}
