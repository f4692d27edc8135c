// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// How a wait in a `Parker` ended.
@usableFromInline
package enum ParkResult<Value: Sendable>: Sendable {
    /// Another party handed over this value.
    case value(Value)
    /// The waiting task was cancelled; a value that came all the same is kept for the next wait.
    case cancelled
}

extension ParkResult: Equatable where Value: Equatable {}

/// The one place where a task of Belfry suspends: one task waits, anyone wakes it with a value.
///
/// - One waiter at a time. A second task that parks while one waits is a programming error and traps.
/// - A wake that finds no waiter is kept as a permit, and the next `park` returns it without suspending. There is at
///   most one permit: a newer value replaces an older one that nobody fetched, and `unpark` says so.
/// - Cancellation is looked at first: a cancelled task never takes a permit and never suspends.
/// - Every method may be called on any thread. A task resumes on its own executor (its actor's, or the one it
///   prefers), never on the thread of the waker, and never while a lock is held.
@usableFromInline
package final class Parker<Value: Sendable>: Sendable {
    /// What a wake came to.
    @usableFromInline
    package enum Wake: Sendable, Equatable {
        /// A task was waiting and now resumes.
        case resumed
        /// Nobody was waiting: the value is kept for the next `park`.
        case kept
        /// Nobody was waiting: the value took the place of an older one, which is lost.
        case replaced
    }

    @usableFromInline let lock = Lock(State())

    /// Creates a parker without waiter and without permit.
    @inlinable
    package init() {}

    /// Suspends until a value is handed over or the task is cancelled.
    ///
    /// Returns at once when a permit is there or the task is cancelled already. Traps if another task waits here.
    @inlinable
    package func park(isolation: isolated (any Actor)? = #isolation) async -> ParkResult<Value> {
        if Task.isCancelled { return .cancelled }
        let ticket: UInt64
        switch lock.withLock({ $0.arrive() }) {
        case .permit(let value): return .value(value)
        case .ticket(let number): ticket = number
        }
        return await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation(isolation: isolation) { continuation in
                // Under mixed executors this closure may run after a hop (swiftlang/swift#85668): a wake or a
                // cancellation may have come since `arrive`, so it asks again.
                let waiter = unsafe Waiter(continuation)
                if let result = lock.withLock({ $0.install(waiter) }) {
                    waiter.resume(with: result)
                }
            }
        } onCancel: {
            cancel(ticket)
        }
    }

    /// Wakes the waiting task with `value`, or keeps the value for the next `park`.
    ///
    /// Never blocks for longer than the lock's few instructions.
    @inlinable
    @discardableResult
    package func unpark(_ value: Value) -> Wake {
        switch lock.withLock({ $0.wake(with: value) }) {
        case .resume(let waiter):
            waiter.resume(with: .value(value))
            return .resumed
        case .keep(let old):
            return old == nil ? .kept : .replaced
        }
    }

    /// Whether a task is suspended here at this moment; for assertions and tests.
    package var hasWaiter: Bool {
        lock.withLock { state in
            if case .waiting = state.phase { true } else { false }
        }
    }

    /// Ends the wait that drew `ticket`, if it is still on.
    @inlinable
    func cancel(_ ticket: UInt64) {
        lock.withLock { $0.cancel(ticket) }?.resume(with: .cancelled)
    }
}

extension Parker where Value == Void {
    /// Wakes the waiting task, or lets the next `park` return at once.
    @inlinable
    @discardableResult
    package func unpark() -> Wake { unpark(()) }
}

extension Parker {
    /// A suspended task.
    ///
    /// Resumed exactly once: `State` gives each waiter away in one step with forgetting it, so the bookkeeping (and
    /// allocation) of a checked continuation would only repeat what the lock already does.
    @safe
    @usableFromInline
    struct Waiter: Sendable {
        @usableFromInline let continuation: UnsafeContinuation<ParkResult<Value>, Never>

        @inlinable
        init(_ continuation: UnsafeContinuation<ParkResult<Value>, Never>) {
            unsafe self.continuation = continuation
        }

        @inlinable
        func resume(with result: ParkResult<Value>) {
            unsafe continuation.resume(returning: result)
        }
    }

    @usableFromInline
    enum Arrival: Sendable {
        case permit(Value)
        case ticket(UInt64)
    }

    @usableFromInline
    enum WakeAction: Sendable {
        case resume(Waiter)
        case keep(replacing: Value?)
    }

    /// Who waits and what is kept; touched only under the lock.
    @usableFromInline
    struct State: Sendable {
        @usableFromInline
        enum Phase: Sendable {
            case idle
            /// A task is on its way to suspending; `cancelled` if that was overtaken by a cancellation.
            case arriving(cancelled: Bool)
            case waiting(Waiter)
        }

        @usableFromInline var phase = Phase.idle
        @usableFromInline var permit: Value?
        /// Counts the waits, so that a cancellation which comes late can't hit the next one.
        @usableFromInline var ticket: UInt64 = 0

        @inlinable
        init() {}

        @inlinable
        mutating func arrive() -> Arrival {
            guard case .idle = phase else { fatalError("Parker: a second task parks while one is waiting") }
            if let value = permit.take() { return .permit(value) }
            ticket &+= 1
            phase = .arriving(cancelled: false)
            return .ticket(ticket)
        }

        /// Returns a result if the wait is over before it began.
        @inlinable
        mutating func install(_ waiter: Waiter) -> ParkResult<Value>? {
            if case .arriving(cancelled: true) = phase {
                phase = .idle
                return .cancelled
            }
            if let value = permit.take() {
                phase = .idle
                return .value(value)
            }
            phase = .waiting(waiter)
            return nil
        }

        @inlinable
        mutating func wake(with value: Value) -> WakeAction {
            if case .waiting(let waiter) = phase {
                phase = .idle
                return .resume(waiter)
            }
            let old = permit
            permit = value
            return .keep(replacing: old)
        }

        @inlinable
        mutating func cancel(_ ticket: UInt64) -> Waiter? {
            guard ticket == self.ticket else { return nil }
            switch phase {
            case .idle: return nil
            case .arriving:
                phase = .arriving(cancelled: true)
                return nil
            case .waiting(let waiter):
                phase = .idle
                return waiter
            }
        }
    }
}
